// The networks that the atlas needs, in plain JavaScript: decoder, surrogate, projection and the way back from a place to a
// code. Their weights come as one safetensors file of float16 numbers. Codes have 10 numbers, images 28 x 28 pixels.
const silu = (x) => x / (1 + Math.exp(-x));
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const same = (x) => x;

function fromHalf(h) {
  const [sign, exponent, fraction] = [h & 0x8000 ? -1 : 1, (h >> 10) & 31, h & 1023];
  return exponent ? sign * (1 + fraction / 1024) * 2 ** (exponent - 15) : sign * fraction * 2 ** -24;
}

// The tensors of a safetensors file, an ArrayBuffer: for each name its shape and its numbers as float32.
// Format: the header's length in 8 bytes, the header in JSON, the numbers.
export function parse(file) {
  const length = Number(new DataView(file).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length)));
  delete header.__metadata__;
  const tensor = ({ shape, data_offsets: [begin, end] }) => {
    const halves = new Uint16Array(file.slice(8 + length + begin, 8 + length + end));
    return { shape, values: Float32Array.from(halves, fromHalf) };
  };
  return Object.fromEntries(Object.entries(header).map(([name, entry]) => [name, tensor(entry)]));
}

function dense(x, { weight, bias }, activation) {
  const [outputs, inputs] = weight.shape;
  const y = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    let sum = bias.values[o];
    for (let i = 0; i < inputs; i++) sum += weight.values[o * inputs + i] * x[i];
    y[o] = activation(sum);
  }
  return y;
}

// A transposed convolution with stride 2 and padding 1: (inputs, side, side) -> (outputs, large, large).
function deconvolve(x, side, { weight, bias }, activation) {
  const [inputs, outputs, kernel] = weight.shape;
  const large = 2 * side - 4 + kernel;
  const y = new Float32Array(outputs * large * large);
  for (let o = 0; o < outputs; o++) {
    const plane = o * large * large;
    y.fill(bias.values[o], plane, plane + large * large);
    for (let c = 0; c < inputs; c++) {
      const filter = (c * outputs + o) * kernel * kernel;
      for (let p = 0; p < kernel; p++) {
        for (let q = 0; q < kernel; q++) {
          const w = weight.values[filter + p * kernel + q];
          const first = q === 0 ? 1 : 0; // column 2 j - 1 + q is on the image from here on
          const last = Math.min(side, Math.ceil((large + 1 - q) / 2));
          for (let i = 0; i < side; i++) {
            const row = 2 * i - 1 + p;
            if (row < 0 || row >= large) continue;
            const [to, from] = [plane + row * large - 1 + q, (c * side + i) * side];
            for (let j = first; j < last; j++) y[to + 2 * j] += w * x[from + j];
          }
        }
      }
    }
  }
  for (let i = 0; i < y.length; i++) y[i] = activation(y[i]);
  return y;
}

export function networks(file) {
  const tensors = parse(file);
  const layer = (name) => ({ weight: tensors[`${name}.weight`], bias: tensors[`${name}.bias`] });
  const mlp = (name) => {
    const [one, two, three] = [0, 2, 4].map((i) => layer(`${name}.${i}`));
    return (x) => dense(dense(dense(x, one, silu), two, silu), three, same);
  };
  const [surrogate, projection, inverse] = ["surrogate", "projection", "inverse"].map(mlp);
  const fromCode = layer("decoder.from_code");
  const ups = [0, 1, 2, 3].map((i) => layer(`decoder.${i}`));
  const [centre, reach] = [tensors["projection.centre"].values, tensors["projection.reach"].values[0]];

  // The image of a code: 784 grey levels, 0 to 255.
  function decode(code) {
    let [x, side] = [dense(code, fromCode, same), 2];
    ups.forEach((up, i) => {
      x = deconvolve(x, side, up, i < 3 ? silu : sigmoid);
      side = 2 * side - 4 + up.weight.shape[2];
    });
    return Uint8ClampedArray.from(x, (p) => 255 * p);
  }

  // The probabilities that each teacher of the surrogate gives a code's image: a list of ten for each.
  function opinions(code) {
    const logits = surrogate(code).subarray(0, -2); // without likeness and grey share
    const teachers = [];
    for (let t = 0; t < logits.length; t += 10) {
      const exps = Array.from(logits.subarray(t, t + 10), Math.exp);
      const sum = exps.reduce((a, b) => a + b, 0);
      teachers.push(exps.map((e) => e / sum));
    }
    return teachers;
  }

  const project = (code) => Array.from(projection(code), (p, i) => (p - centre[i]) / reach);
  return { decode, opinions, project, codeAt: inverse };
}

// The mean of the teachers' probabilities.
export const mean = (teachers) => teachers[0].map((_, k) => teachers.reduce((sum, one) => sum + one[k], 0) / teachers.length);
