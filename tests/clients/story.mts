// Told by the tests: what the generated client, and the file beside it, get from a server.
import { Configuration, InferenceApi } from "./index.js";
import { Client, KonduitError, npy } from "./konduitArrays.js";

declare const process: { argv: string[] };

const url = process.argv[2];
const x = { data: new Float32Array([1, 2]), shape: [1, 2] };
const y = { data: new Float32Array([3, 4]), shape: [1, 2] };

const api = new InferenceApi(new Configuration({ basePath: url }));
const files = { inputDataFormat: "NUMPY", x: new Blob([npy(x)]), y: new Blob([npy(y)]) };
const reply: any = await api.predict({ predictionType: "RAW", ...files });
const zip = await api.predictNumpy(files);

const client = new Client(url);
const outputs = await client.predict({ x, y });
const typed = await client.predict({ x, y }, "regression");
const stacked = await client.predict({ x: [0, 1].map(() => ({ data: x.data, shape: [2] })), y });
const refused = await client.predict({ x }).catch((error: KonduitError) => error);

console.log(JSON.stringify({
  generated: reply.total.ndArray.data,
  zip: new TextDecoder().decode((await zip.arrayBuffer()).slice(0, 2)),
  inputs: (await client.config()).steps[0].inputNames,
  outputs: { total: [outputs.total.data.constructor.name, ...outputs.total.data], shape: outputs.product.shape },
  typed: typed.total["@type"],
  stacked: stacked.product.shape,
  refused: [refused.status, refused.faults[0].place],
}));
