// Pictures from the disk. A photograph is made smaller here, because Jupyter's
// connection takes no more than 10 MB at once. They go to Python one after the other;
// the next one waits until Python has `seen` the last.

const SMALL = 1e6; // bytes that are sent as they are
const MOST = 8e6; // bytes that are sent at all
const SIDE = 1024; // pixels of the shorter side that are enough for any network
const LONGEST = 8192; // pixels that any browser can draw

async function smaller(file) {
  if (file.size <= SMALL) return file;
  try {
    const picture = await createImageBitmap(file); // upright, as its EXIF says
    const { width, height } = picture;
    const least = SIDE / Math.min(width, height);
    const scale = Math.min(1, least, LONGEST / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#ffffff"; // under what is transparent
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
    if (made) return made;
  } catch {
    // The browser does not know this kind. Python may.
  }
  if (file.size <= MOST) return file;
  const size = Math.round(file.size / 1e6);
  throw new Error(
    `${size} MB, too large to send, and this browser cannot make it smaller. Save it ` +
      "as JPEG, or read its folder with data.load_folder",
  );
}

function render({ model, el }) {
  const label = document.createElement("label");
  label.textContent = "Choose pictures ";
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.accept = "image/*";
  const note = document.createElement("div");
  note.className = "tlcourse-note";
  note.setAttribute("role", "status");
  label.append(input);
  el.append(label, note);
  let removed = false;

  function send(values) {
    return new Promise((done) => {
      const sent = model.get("seen") + 1;
      function look() {
        if (model.get("seen") !== sent) return;
        model.off("change:seen", look);
        done();
      }
      model.on("change:seen", look);
      Object.entries({ ...values, sent }).forEach(([name, x]) => model.set(name, x));
      model.save_changes();
    });
  }

  input.addEventListener("change", async () => {
    const files = [...input.files];
    input.disabled = true;
    for (const [number, file] of files.entries()) {
      note.textContent = `Reading ${number + 1} of ${files.length}: ${file.name}`;
      let content = new ArrayBuffer(0);
      let problem = "";
      try {
        content = await (await smaller(file)).arrayBuffer();
      } catch (error) {
        problem = error.message;
      }
      if (removed) return;
      const left = files.length - 1 - number;
      const name = file.name;
      await send({ number, left, name, problem, content: new DataView(content) });
    }
    note.textContent = "";
    input.value = ""; // so that the same files can be chosen again
    input.disabled = false;
  });
  return () => {
    removed = true;
  };
}

export default { render };
