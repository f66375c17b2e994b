import {
  flow,
  int,
  local,
  long,
  memory,
  wasmModule,
  type Code,
  type WasmMemory,
  type WasmModule,
} from '../wasm/wasm-code';

/** Where the hash stands: 8 bytes, little-endian. */
export const DIGEST_AT = 0;
/** Where the input begins. */
export const INPUT_AT = 16;
/** Longest input: up to a word is read beyond its end. */
export const INPUT_BYTES_MAX = 65_536 - INPUT_AT - 8;

/** Four words of the key, then the length of the input. */
const [KEY_LOW_0, KEY_HIGH_0, KEY_LOW_1, KEY_HIGH_1, LENGTH] = [0, 1, 2, 3, 4];
const PARAMETERS = 5;
const [AT, WORDS_END] = [5, 6];
const [V0, V1, V2, V3, WORD] = [7, 8, 9, 10, 11];
const WORD_BYTES = 8;

/** What an instance of the module exports. */
export interface SipHashExports {
  readonly memory: WasmMemory;
  /** Hashes so many bytes from {@link INPUT_AT} on, to {@link DIGEST_AT}; the key is given as four little-endian words. */
  siphash(keyLow0: number, keyHigh0: number, keyLow1: number, keyHigh1: number, length: number): void;
}

/** SipHash-2-4 (Aumasson and Bernstein, 2012) of one input, on 64-bit integers. */
export function siphashModule(): WasmModule {
  const { get, set } = local;
  const at = get(AT);
  const isWordLeft = int.isLess(at, get(WORDS_END));
  const eachWord = [memory.load64(at), set(WORD), compress(), int.add(at, int.constant(WORD_BYTES)), set(AT)];
  const wholeWords = int.and(get(LENGTH), int.constant(-WORD_BYTES));
  const code = [
    keyed(V0, KEY_LOW_0, KEY_HIGH_0, 0x736f_6d65_7073_6575n),
    keyed(V1, KEY_LOW_1, KEY_HIGH_1, 0x646f_7261_6e64_6f6dn),
    keyed(V2, KEY_LOW_0, KEY_HIGH_0, 0x6c79_6765_6e65_7261n),
    keyed(V3, KEY_LOW_1, KEY_HIGH_1, 0x7465_6462_7974_6573n),
    [int.constant(INPUT_AT), set(AT)],
    [int.add(at, wholeWords), set(WORDS_END)],
    flow.when(isWordLeft, flow.doWhile(eachWord, isWordLeft)),
    [lastWord(), set(WORD), compress()],
    [long.xor(get(V2), long.constant(0xffn)), set(V2), round(), round(), round(), round()],
    memory.store64(int.constant(DIGEST_AT), long.xor(long.xor(get(V0), get(V1)), long.xor(get(V2), get(V3)))),
  ];
  return wasmModule([{ name: 'siphash', parameters: PARAMETERS, integers: 2, vectors: 0, longs: 5, code }], 1);
}

const wide = (low: number, high: number): Code =>
  long.or(long.from32(local.get(low)), long.shiftLeft(long.from32(local.get(high)), long.constant(32n)));

const keyed = (state: number, low: number, high: number, initial: bigint): Code => [
  long.xor(wide(low, high), long.constant(initial)),
  local.set(state),
];

/** What is left of the input, at most seven bytes, and the input's length above them. */
function lastWord(): Code {
  const bits = long.from32(int.shiftLeft(int.and(local.get(LENGTH), int.constant(WORD_BYTES - 1)), 3));
  const mask = long.subtract(long.shiftLeft(long.constant(1n), bits), long.constant(1n));
  const length = long.shiftLeft(long.from32(local.get(LENGTH)), long.constant(56n));
  return long.or(long.and(memory.load64(local.get(AT)), mask), length);
}

function compress(): Code {
  const mix = (state: number): Code => [long.xor(local.get(state), local.get(WORD)), local.set(state)];
  return [mix(V3), round(), round(), mix(V0)];
}

function round(): Code {
  const { get, set } = local;
  const add = (a: number, b: number): Code => [long.add(get(a), get(b)), set(a)];
  const turn = (a: number, bits: number): Code => [long.rotateLeft(get(a), bits), set(a)];
  const turnInto = (a: number, bits: number, b: number): Code => [
    long.xor(long.rotateLeft(get(a), bits), get(b)),
    set(a),
  ];
  return [
    [add(V0, V1), turnInto(V1, 13, V0), turn(V0, 32)],
    [add(V2, V3), turnInto(V3, 16, V2)],
    [add(V0, V3), turnInto(V3, 21, V0)],
    [add(V2, V1), turnInto(V1, 17, V2), turn(V2, 32)],
  ];
}
