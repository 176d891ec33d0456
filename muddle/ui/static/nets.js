// The networks that the atlas needs, in plain JavaScript: decoder, surrogate, projection and the way back from a place to a
// code. Their weights come as one safetensors file of float16 numbers. Codes have 10 numbers, images 28 x 28 pixels.
const BLACK = __BLACK__; // grey levels below it are none
const silu = (x) => x / (1 + Math.exp(-x));
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const same = (x) => x;

function fromHalf(h) {
  const sign = h & 0x8000 ? -1 : 1;
  const exponent = (h >> 10) & 31;
  const fraction = h & 1023;
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

// A transposed convolution with stride 2 and padding 1: (side, side, inputs) -> (large, large, outputs), channels last, so
// that the innermost loop runs over all that four inputs add to: kernel, kernel, outputs.
function deconvolution({ weight, bias }, activation) {
  const [inputs, outputs, kernel] = weight.shape;
  const area = kernel * kernel;
  const reach = area * outputs;
  // (inputs, kernel, kernel, outputs) from (inputs, outputs, kernel, kernel), and zeros up to a multiple of four inputs.
  const w = new Float64Array(4 * Math.ceil(inputs / 4) * reach);
  for (let c = 0; c < inputs; c++) {
    for (let o = 0; o < outputs; o++) {
      for (let k = 0; k < area; k++) w[c * reach + k * outputs + o] = weight.values[(c * outputs + o) * area + k];
    }
  }
  const patch = new Float64Array(reach); // what one place of the input adds to the output around it
  return (x, side) => {
    const large = 2 * side - 4 + kernel;
    const y = new Float64Array(large * large * outputs);
    for (let i = 0; i < y.length; i++) y[i] = bias.values[i % outputs];
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        patch.fill(0);
        for (let c = 0; c < inputs; c += 4) {
          const at = (i * side + j) * inputs + c;
          const [v0, v1, v2, v3] = [x[at], x[at + 1] || 0, x[at + 2] || 0, x[at + 3] || 0];
          const row = c * reach;
          for (let k = 0; k < reach; k++) {
            patch[k] += v0 * w[row + k] + v1 * w[row + reach + k] + v2 * w[row + 2 * reach + k] + v3 * w[row + 3 * reach + k];
          }
        }
        for (let p = 0; p < kernel; p++) {
          const row = 2 * i - 1 + p;
          if (row < 0 || row >= large) continue;
          for (let q = 0; q < kernel; q++) {
            const column = 2 * j - 1 + q;
            if (column < 0 || column >= large) continue;
            const [to, from] = [(row * large + column) * outputs, (p * kernel + q) * outputs];
            for (let o = 0; o < outputs; o++) y[to + o] += patch[from + o];
          }
        }
      }
    }
    for (let i = 0; i < y.length; i++) y[i] = activation(y[i]);
    return { y, large };
  };
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
  const ups = [0, 1, 2, 3].map((i) => deconvolution(layer(`decoder.${i}`), i < 3 ? silu : sigmoid));
  const [centre, reach] = [tensors["projection.centre"].values, tensors["projection.reach"].values[0]];

  // The image of a code: 784 grey levels, 0 to 255.
  function decode(code) {
    const grid = dense(code, fromCode, same); // (channels, 2, 2)
    const channels = grid.length / 4;
    let x = Float64Array.from(grid, (_, i) => grid[(i % channels) * 4 + Math.floor(i / channels)]); // (2, 2, channels)
    let side = 2;
    for (const up of ups) ({ y: x, large: side } = up(x, side));
    return Uint8ClampedArray.from(x, (p) => (255 * p < BLACK - 0.5 ? 0 : 255 * p));
  }

  // The probabilities that each teacher of the surrogate gives a code's image: a list of ten for each.
  function opinions(code) {
    const logits = surrogate(code).subarray(0, -12); // the teachers’, without what follows them
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
