// The camera's picture, cut to a square. While it is on, one frame after the other
// goes to `frame` as JPEG; the next one waits until Python has answered (`seen`).
// `on` says whether it is on.

const SIDE = 224;
const REASONS = {
  NotAllowedError: "the browser may not use it. Its address bar has a sign to change that.",
  NotFoundError: "the browser finds none. Is it plugged in?",
  NotReadableError: "it gives no picture. Is another program using it?",
};
const PAUSE = 250; // milliseconds from one frame to the next, at least

function render({ model, el }) {
  const video = document.createElement("video");
  video.className = "tlcourse-pad";
  video.width = video.height = 300;
  video.muted = video.playsInline = true;
  video.style.objectFit = "cover";
  video.setAttribute("aria-label", "What the camera sees");
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const toggle = document.createElement("button");
  toggle.className = "tlcourse-button";
  const note = document.createElement("div");
  note.className = "tlcourse-note";
  note.setAttribute("role", "status");
  el.append(video, toggle, note);
  let stream = null;
  let sent = 0;
  let removed = false;

  function show(text) {
    toggle.textContent = stream ? "Stop the camera" : "Start the camera";
    note.textContent = text;
    model.set("on", stream !== null);
    model.save_changes();
  }

  function stop(text = "The camera is off.") {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    show(text);
  }

  async function start() {
    if (!navigator.mediaDevices) {
      return show("No camera here: the page has to come from localhost or by https.");
    }
    toggle.disabled = true; // two streams at once could not both be stopped
    show("Waiting for the camera. The browser asks whether it may.");
    try {
      const found = await navigator.mediaDevices.getUserMedia({ video: true });
      stream = found;
      if (removed) return stop();
      const [track] = stream.getVideoTracks();
      track.addEventListener("ended", () => stop("The camera has gone away."));
      video.srcObject = stream;
      await video.play();
      show("The camera is on. Its pictures stay on this computer and its kernel.");
      sent = model.get("seen"); // another view may have sent some
      send();
    } catch (error) {
      stop(`No camera: ${REASONS[error.name] || error.message}`);
    } finally {
      toggle.disabled = false;
    }
  }

  function send() {
    if (!stream) return;
    if (model.get("seen") === sent && video.videoWidth) {
      const side = Math.min(video.videoWidth, video.videoHeight);
      const left = (video.videoWidth - side) / 2;
      const top = (video.videoHeight - side) / 2;
      const pen = canvas.getContext("2d");
      pen.drawImage(video, left, top, side, side, 0, 0, SIDE, SIDE);
      canvas.toBlob(async (blob) => {
        if (!stream) return;
        sent = model.get("seen") + 1;
        model.set("frame", new DataView(await blob.arrayBuffer()));
        model.set("sent", sent);
        model.save_changes();
      }, "image/jpeg");
    }
    setTimeout(send, PAUSE);
  }

  toggle.addEventListener("click", () => (stream ? stop() : start()));
  show("The camera is off.");
  return () => {
    removed = true;
    stop();
  };
}

export default { render };
