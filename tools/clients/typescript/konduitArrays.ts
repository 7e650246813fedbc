// Typed arrays in, typed arrays out: a client of Konduit's API that needs `fetch` and nothing else.
//
//     const client = new Client("http://127.0.0.1:8030/konduit");
//     const { total } = await client.predict({ x: { data: new Float32Array([1, 2]), shape: [1, 2] } });
//
// This file stands alone: copy it to where it is used.

export type Numbers =
  | Float64Array | Float32Array | BigInt64Array | Int32Array | Int16Array | Int8Array
  | Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

/** Numbers in C order, the last axis running fastest. */
export interface NdArray {
  data: Numbers;
  shape: number[];
}

export interface Fault {
  place: string;
  detail: string;
}

/** The server refused: `status` is HTTP's, `faults` tell what is wrong where. */
export class KonduitError extends Error {
  readonly status: number;
  readonly faults: Fault[];

  constructor(status: number, problem: { title?: string; detail?: string; errors?: Fault[] }) {
    super(`${status}: ${problem.detail ?? problem.title}`);
    this.status = status;
    this.faults = problem.errors ?? [];
  }
}

const NPY_TYPES: Record<string, string> = {
  Float64Array: "<f8", Float32Array: "<f4", BigInt64Array: "<i8", Int32Array: "<i4", Int16Array: "<i2", Int8Array: "|i1",
  Uint8Array: "|u1", Uint16Array: "<u2", Uint32Array: "<u4", BigUint64Array: "<u8",
};

/** What the server's words for types become. Float32 holds every half; integers beyond 2^53 are rounded. */
const JSON_TYPES: Record<string, (numbers: (number | null)[]) => Numbers> = {
  DOUBLE: (numbers) => Float64Array.from(numbers, real),
  FLOAT: (numbers) => Float32Array.from(numbers, real),
  HALF: (numbers) => Float32Array.from(numbers, real),
  BFLOAT16: (numbers) => Float32Array.from(numbers, real),
  LONG: (numbers) => BigInt64Array.from(numbers, (one) => BigInt(one ?? 0)),
  INT: (numbers) => Int32Array.from(numbers, real),
  SHORT: (numbers) => Int16Array.from(numbers, real),
  BYTE: (numbers) => Int8Array.from(numbers, real),
  UBYTE: (numbers) => Uint8Array.from(numbers, real),
  BOOL: (numbers) => Uint8Array.from(numbers, real),
  UINT16: (numbers) => Uint16Array.from(numbers, real),
  UINT32: (numbers) => Uint32Array.from(numbers, real),
  UINT64: (numbers) => BigUint64Array.from(numbers, (one) => BigInt(one ?? 0)),
};

export class Client {
  private readonly baseUrl: string;
  private known?: Promise<any>;

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
  }

  /** The pipeline's configuration, read once. */
  config(): Promise<any> {
    this.known ??= this.send("/config");
    return this.known;
  }

  /**
   * Run the pipeline; an input that is a list is stacked by the server.
   *
   * The answer has for each output an array, or the object that the server sent where it is none. Records, which have
   * no names of outputs, are given as they come. Predictions but `raw` need a server that answers with JSON.
   */
  async predict(inputs: Record<string, NdArray | NdArray[]>, prediction = "raw"): Promise<any> {
    const form = new FormData();
    for (const [name, value] of Object.entries(inputs)) {
      const parts: [string, NdArray][] = Array.isArray(value)
        ? value.map((one, number) => [`${name}[${number}]`, one])
        : [[name, value]];
      for (const [part, array] of parts) form.append(part, new Blob([npy(array)]), part);
    }
    // `json` as the first word is `raw`, answered with JSON whatever the server is set to.
    const answer = await this.send(`/${prediction === "raw" ? "json" : prediction}/numpy`, form);
    if (Array.isArray(answer)) return answer;
    return Object.fromEntries(Object.entries(answer).map(([name, output]) => [name, arrayOf(output)]));
  }

  private async send(path: string, body?: FormData): Promise<any> {
    const answer = await fetch(this.baseUrl + path, { method: body ? "POST" : "GET", body });
    const kind = answer.headers.get("content-type") ?? "";
    if (!kind.includes("json")) throw new KonduitError(answer.status, { detail: `This is ${kind}, and not JSON.` });
    const found = await answer.json();
    if (!answer.ok) throw new KonduitError(answer.status, found);
    return found;
  }
}

function real(number: number | null): number {
  return number ?? NaN;
}

function arrayOf(output: any): any {
  if (output?.["@type"] !== "NDArrayOutput") return output;
  const { dataType, shape, data } = output.ndArray;
  return { data: JSON_TYPES[dataType](data), shape };
}

/** Return an array as a `.npy` file. */
export function npy({ data, shape }: NdArray): Uint8Array<ArrayBuffer> {
  const length = shape.reduce((product, axis) => product * axis, 1);
  if (length !== data.length) throw new RangeError(`The shape [${shape}] has ${length} numbers, not ${data.length}.`);
  const axes = shape.map((axis) => `${axis},`).join("");
  const head = `{'descr': '${NPY_TYPES[data.constructor.name]}', 'fortran_order': False, 'shape': (${axes}), }`;
  const padded = head.padEnd(Math.ceil((head.length + 11) / 64) * 64 - 11) + "\n";
  const file = new Uint8Array(10 + padded.length + data.byteLength);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 255, padded.length >> 8]);
  file.set(new TextEncoder().encode(padded), 10);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + padded.length);
  return file;
}
