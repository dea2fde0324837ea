// A still of a picture to touch becomes the picture: by a click, or Enter.
for (const still of document.querySelectorAll("[data-still]")) {
  const start = () => {
    const { still: name } = still.dataset;
    const place = document.createElement("div");
    place.dataset.picture = name;
    place.style.width = `${still.width}px`;
    still.replaceWith(place);
    const script = document.createElement("script");
    script.textContent = document.getElementById(`${name}.js`).textContent;
    document.head.append(script);
  };
  still.addEventListener("click", start);
  still.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation(); // not the next slide
    start();
  });
}
