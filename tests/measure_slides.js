// For each slide: what its texts and pictures measure, and the colours of its texts.
() => [...document.querySelectorAll("section")].map(section => {
  const style = getComputedStyle(section), box = section.getBoundingClientRect();
  const after = getComputedStyle(section, "::after");
  const rect = r => [r.left - box.left, r.top - box.top,
                     r.right - box.left, r.bottom - box.top];
  const background = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [], walker = document.createTreeWalker(section, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, inside = getComputedStyle(node.parentElement);
    const range = document.createRange();
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].filter(r => r.width).map(rect);
    if (!node.data.trim() || !rects.length) continue;
    const block = node.parentElement.closest("pre, blockquote, td, th") || section;
    texts.push({text: node.data.trim(), rects, size: parseFloat(inside.fontSize),
      within: rect(block.getBoundingClientRect()), ink: inside.color,
      paper: background(node.parentElement)});
  }
  texts.push({text: "page number", rects: [], size: parseFloat(after.fontSize),
    within: [], ink: after.color, paper: style.backgroundColor});
  const images = [...section.querySelectorAll("img")].map(image => ({alt: image.alt,
    loaded: image.complete && image.naturalWidth > 0, box: rect(
    image.getBoundingClientRect()), drawn: [image.clientWidth, image.clientHeight],
    meant: [parseFloat(image.style.width), parseFloat(image.style.height)]}));
  const room = [parseFloat(style.paddingLeft), parseFloat(style.paddingTop),
    box.width - parseFloat(style.paddingRight),
    box.height - parseFloat(style.paddingBottom)];
  return {texts, images, room, size: [box.width, box.height],
    lesson: section.classList.contains("lesson"),
    words: section.innerText, code: [...section.querySelectorAll("code")].map(
    code => code.textContent)};
})
