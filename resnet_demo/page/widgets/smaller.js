// A large photo, made smaller and upright before it travels: networks see 224 of its pixels, the page shows 1280. It
// goes as it is where that might change what is seen: unusual kinds, transparency, more than 8 bits, a missing end.
window.resnet.smaller = async (file) => {
  const LEAST = 400_000, SIDE = 1600; // bytes, pixels of the long side
  const usual = (bytes) => {
    const view = new DataView(bytes.buffer), text = (from, to) => String.fromCharCode(...bytes.slice(from, to));
    if (view.getUint16(0) === 0xffd8) {
      let at = 2, plain = false;
      for (; bytes[at] === 255 && bytes[at + 1] !== 0xda; at += 2 + view.getUint16(at + 2))
        if ((bytes[at + 1] & 0xf0) === 0xc0 && ![0xc4, 0xc8, 0xcc].includes(bytes[at + 1]))
          plain = bytes[at + 4] === 8 && bytes[at + 9] !== 4; // bits, channels: CMYK has four
      let end = bytes.length - 2;
      while (end > at && view.getUint16(end) !== 0xffd9) end--;
      return plain && end > at;
    }
    if (text(1, 4) === "PNG") return bytes[24] === 8 && !text(0, 9999).includes("cICP") && text(-8, -4) === "IEND";
    return text(0, 4) === "RIFF" && text(8, 12) === "WEBP" && view.getUint32(4, true) + 8 <= bytes.length;
  };
  if (file.size < LEAST) return file;
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (!usual(bytes)) return file;
    const whole = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = SIDE / Math.max(whole.width, whole.height);
    if (scale >= 1) return file;
    const canvas = new OffscreenCanvas(Math.round(whole.width * scale), Math.round(whole.height * scale));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(whole, 0, 0, canvas.width, canvas.height);
    whole.close();
    if (bytes[0] !== 255 && context.getImageData(0, 0, canvas.width, canvas.height).data.some((value, at) => at % 4 === 3 && value < 255))
      return file;
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
    return blob.size < file.size ? new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg") : file;
  } catch {
    return file; // The server reads more kinds than browsers do.
  }
};
