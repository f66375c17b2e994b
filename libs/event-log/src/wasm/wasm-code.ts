/** Bytes of WebAssembly code (WebAssembly Core Specification 2.0, section 5); nested lists are joined when a module is made. */
export type Code = number | readonly Code[];

/** Types of values: integers of 32 and 64 bits, and a vector of 128 bits. */
const I32 = 0x7f;
const I64 = 0x7e;
const V128 = 0x7b;

const END = 0x0b;

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** Signed LEB128 of 32 or 64 bits. */
function signed(value: number | bigint): number[] {
  const bytes: number[] = [];
  for (let rest = typeof value === 'bigint' ? BigInt.asIntN(64, value) : BigInt(value | 0); ;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    // The highest bit that is written is the sign.
    if (rest === (low < 0x40 ? 0n : -1n)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

const simd = (opcode: number, ...operands: Code[]): Code => [0xfd, unsigned(opcode), operands];

/** Locals: `get` pushes one, `set` takes the top of the stack into one, `tee` leaves it on the stack. */
export const local = {
  get: (local: number): Code => [0x20, unsigned(local)],
  set: (local: number): Code => [0x21, unsigned(local)],
  tee: (local: number): Code => [0x22, unsigned(local)],
};

/** Order of execution: `doWhile` runs code again as long as the condition computed after it holds; `choose` gives the first value when the condition holds, else the second. */
export const flow = {
  call: (index: number): Code => [0x10, unsigned(index)],
  doWhile: (code: Code, condition: Code): Code => [0x03, 0x40, code, condition, 0x0d, 0, END],
  when: (condition: Code, code: Code): Code => [condition, 0x04, 0x40, code, END],
  choose: (condition: Code, whenTrue: Code, whenFalse: Code): Code => [whenTrue, whenFalse, condition, 0x1b],
};

const constant = (value: number): Code => [0x41, signed(value)];

/** 32-bit integers, unsigned. */
export const int = {
  constant,
  add: (a: Code, b: Code): Code => [a, b, 0x6a],
  subtract: (a: Code, b: Code): Code => [a, b, 0x6b],
  and: (a: Code, b: Code): Code => [a, b, 0x71],
  or: (a: Code, b: Code): Code => [a, b, 0x72],
  shiftLeft: (a: Code, bits: number): Code => [a, constant(bits), 0x74],
  shiftRight: (a: Code, bits: number): Code => [a, constant(bits), 0x76],
  rotateLeft: (a: Code, bits: number): Code => [a, constant(bits), 0x77],
  isEqual: (a: Code, b: Code): Code => [a, b, 0x46],
  isLess: (a: Code, b: Code): Code => [a, b, 0x49],
  isMore: (a: Code, b: Code): Code => [a, b, 0x4b],
};

const constant64 = (value: bigint): Code => [0x42, signed(value)];

/** 64-bit integers, unsigned; `from32` makes one of 32 bits. */
export const long = {
  constant: constant64,
  from32: (a: Code): Code => [a, 0xad],
  add: (a: Code, b: Code): Code => [a, b, 0x7c],
  subtract: (a: Code, b: Code): Code => [a, b, 0x7d],
  and: (a: Code, b: Code): Code => [a, b, 0x83],
  or: (a: Code, b: Code): Code => [a, b, 0x84],
  xor: (a: Code, b: Code): Code => [a, b, 0x85],
  shiftLeft: (a: Code, bits: Code): Code => [a, bits, 0x86],
  rotateLeft: (a: Code, bits: number): Code => [a, constant64(BigInt(bits)), 0x89],
};

/** Memory, at any address: `load32`, `load8` and `load64` give integers, `copy` moves so many bytes, `loadVector` and `storeVector` take 16. */
export const memory = {
  load32: (at: Code, offset = 0): Code => [at, 0x28, 0, unsigned(offset)],
  load8: (at: Code, offset = 0): Code => [at, 0x2d, 0, unsigned(offset)],
  load64: (at: Code): Code => [at, 0x29, 0, 0],
  store64: (at: Code, value: Code): Code => [at, value, 0x37, 0, 0],
  store32: (at: Code, value: Code): Code => [at, value, 0x36, 0, 0],
  store8: (at: Code, value: Code): Code => [at, value, 0x3a, 0, 0],
  copy: (to: Code, from: Code, length: Code): Code => [to, from, length, 0xfc, 10, 0, 0],
  load128: (at: Code, offset = 0): Code => [at, simd(0, 0, unsigned(offset))],
  store128: (at: Code, value: Code, offset = 0): Code => [at, value, simd(11, 0, unsigned(offset))],
};

/** Vectors of four 32-bit integers; `shuffle` takes sixteen bytes from the 32 of two. */
export const lanes = {
  splat: (value: Code): Code => [value, simd(17)],
  replaceLane: (vector: Code, lane: number, value: Code): Code => [vector, value, simd(28, lane)],
  add: (a: Code, b: Code): Code => [a, b, simd(174)],
  and: (a: Code, b: Code): Code => [a, b, simd(78)],
  or: (a: Code, b: Code): Code => [a, b, simd(80)],
  xor: (a: Code, b: Code): Code => [a, b, simd(81)],
  shiftLeft: (a: Code, bits: number): Code => [a, int.constant(bits), simd(171)],
  shiftRight: (a: Code, bits: number): Code => [a, int.constant(bits), simd(173)],
  shuffle: (a: Code, b: Code, from: readonly number[]): Code => [a, b, simd(13, from)],
};

/** A function of a module. Locals are numbered after the parameters: integers first, then vectors, then 64-bit integers. */
export interface WasmFunction {
  /** Number of parameters, all of them 32-bit integers. It returns nothing. */
  readonly parameters: number;
  readonly integers: number;
  readonly vectors: number;
  /** By default none. */
  readonly longs?: number;
  readonly code: Code;
  /** Name under which it is exported; without one it is not. */
  readonly name?: string;
}

/** What the runtime makes of a module; a thread can be given it. */
export type WasmModule = object;

/** Memory of an instance, in pages of 64 KiB. */
export interface WasmMemory {
  /** Another one after each {@link WasmMemory.grow}. */
  readonly buffer: ArrayBuffer;
  /** @throws RangeError when there is not so much memory */
  grow(pages: number): number;
}

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule) => { readonly exports: unknown };
};

/** A new instance of a module, by its exports. */
export function instanceOf<T>(module: WasmModule): T {
  return new WebAssembly.Instance(module).exports as T;
}

/** A module of functions that share a memory, which is exported as `memory`. */
export function wasmModule(functions: readonly WasmFunction[], memoryPages: number): WasmModule {
  const exported = functions.flatMap(({ name }, i) => (name === undefined ? [] : [[text(name), 0, unsigned(i)]]));
  const code = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, vector(functions.map((f) => [0x60, vector(Array<Code>(f.parameters).fill(I32)), 0]))),
    section(3, vector(functions.map((_, i) => unsigned(i)))),
    section(5, vector([[0, unsigned(memoryPages)]])),
    section(7, vector([[text('memory'), 2, 0], ...exported])),
    section(10, vector(functions.map(bodyOf))),
  ];
  return new WebAssembly.Module(flat(code));
}

function bodyOf({ integers, vectors, longs = 0, code }: WasmFunction): Code {
  return sized([
    vector([
      [unsigned(integers), I32],
      [unsigned(vectors), V128],
      [unsigned(longs), I64],
    ]),
    code,
    END,
  ]);
}

const section = (id: number, content: Code): Code => [id, sized(content)];
const vector = (items: readonly Code[]): Code => [unsigned(items.length), items];
const text = (name: string): Code => vector([...Buffer.from(name)]);

function sized(content: Code): Code {
  const bytes = flat(content);
  return [unsigned(bytes.length), [...bytes]];
}

function flat(code: Code): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const take = (part: Code): void => {
    if (typeof part === 'number') bytes.push(part);
    else for (const inner of part) take(inner);
  };
  take(code);
  return Uint8Array.from(bytes);
}
