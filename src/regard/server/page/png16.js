// Grey PNG files of 16 bits, as numbers: a browser's own reader keeps only 8 of them.

/**
 * @param {Blob} file not interlaced
 * @returns {Promise<{width: number, height: number, values: Uint16Array}>}
 */
export async function readGrey16(file) {
  const view = new DataView(await file.arrayBuffer());
  let [width, height] = [0, 0];
  const packed = [];
  for (let at = 8; at < view.byteLength; ) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...new Uint8Array(view.buffer, at + 4, 4));
    if (kind === "IHDR") [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (kind === "IDAT") packed.push(new Uint8Array(view.buffer, at + 8, length));
    at += length + 12;
  }
  const stream = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return { width, height, values: unfiltered(bytes, width, height) };
}

/** Each row says how it was predicted from its left and upper neighbours (PNG, section 9). */
function unfiltered(bytes, width, height) {
  const row = 2 * width;
  const pixels = new Uint8Array(row * height);
  for (let y = 0; y < height; y += 1) {
    const filter = bytes[y * (row + 1)];
    for (let x = 0; x < row; x += 1) {
      const left = x < 2 ? 0 : pixels[y * row + x - 2];
      const up = y === 0 ? 0 : pixels[(y - 1) * row + x];
      const corner = x < 2 || y === 0 ? 0 : pixels[(y - 1) * row + x - 2];
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      pixels[y * row + x] = bytes[y * (row + 1) + 1 + x] + guess;
    }
  }
  return Uint16Array.from({ length: width * height }, (_, at) => (pixels[2 * at] << 8) | pixels[2 * at + 1]);
}

function paeth(left, up, corner) {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
