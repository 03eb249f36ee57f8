// Runs a bundle's self-test as a browser would, in wasm: node self_test.mjs BUNDLE
// Prints the shape of the maps and their largest and mean difference from those expected, as JSON.
import { readFile } from "node:fs/promises";
import { endianness } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-web";

const bundle = process.argv[2];
const spec = JSON.parse(await readFile(join(bundle, "spec.json"), "utf8"));

async function floats(name) {
  if (endianness() !== "LE") throw new Error("the files are little-endian, this machine is not");
  const bytes = await readFile(join(bundle, name));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

ort.env.wasm.numThreads = 1; // threads would keep Node from ending
const session = await ort.InferenceSession.create(await readFile(join(bundle, "model.onnx")), {
  executionProviders: ["wasm"],
});
const { input, expected } = spec.self_test;
const image = new ort.Tensor("float32", await floats(input.file), input.shape);
const maps = (await session.run({ [spec.input.name]: image }))[spec.output.name];
const wanted = await floats(expected.file);

let largest = 0;
let sum = 0;
for (let i = 0; i < wanted.length; i++) {
  const difference = Math.abs(maps.data[i] - wanted[i]);
  if (!(difference <= largest)) largest = difference;
  sum += difference;
}
console.log(JSON.stringify({ dims: maps.dims, largest, mean: sum / wanted.length }));
