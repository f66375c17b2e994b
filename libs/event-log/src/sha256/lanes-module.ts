import {
  flow,
  int,
  lanes,
  local,
  memory,
  wasmModule,
  type Code,
  type WasmFunction,
  type WasmMemory,
  type WasmModule,
} from '../wasm/wasm-code';

/** Messages that are hashed at one time. */
export const LANES = 4;
/** From here on the memory is the caller's. */
export const CALLER_AT = 8192;
/** Pages of 64 KiB that the memory has at first. */
export const MEMORY_PAGES = 16;

const ROUNDS = 64;
const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
const VECTOR_BYTES = 16;
/** Round constants, each in all lanes; then state, message words, digests, and a padded end of each message. */
const CONSTANTS_AT = 0;
const STATE_AT = ROUNDS * VECTOR_BYTES;
const WORDS_AT = STATE_AT + 8 * VECTOR_BYTES;
const DIGESTS_AT = WORDS_AT + 16 * VECTOR_BYTES;
const ENDS_AT = DIGESTS_AT + LANES * HASH_BYTES;
const END_BYTES = 2 * BLOCK_BYTES;
const NODE_BITS = (1 + 2 * HASH_BYTES) * 8;

const LANE_NUMBERS = [0, 1, 2, 3];
/** Numbers of the functions. */
const [START, GATHER, BLOCK, FINISH] = [0, 1, 2, 3];

/** What an instance of the module exports. Addresses below {@link CALLER_AT} are its own. */
export interface LanesExports {
  readonly memory: WasmMemory;
  /** Must be called once, before the others. */
  prepare(): void;
  /**
   * SHA-256 of `count` messages that lie end to end, the last of them ending at `end`. Their lengths stand at `lengths`, 32
   * bits big-endian each. Up to three digests more than `count` are written.
   */
  messages(lengths: number, end: number, count: number, digests: number): void;
  /**
   * SHA-256(01 || left || right) of pairs of 32-byte hashes that lie end to end. The byte before
   * the first is read. Up to three more than `count` are read and written.
   */
  pairs(hashes: number, count: number, digests: number): void;
}

/**
 * SHA-256 (FIPS 180-4) of four messages at a time, in the lanes of 128-bit vectors. What a log hashes are many short
 * messages: called one by one, a native function spends more time on being called than on hashing.
 */
export function lanesModule(): WasmModule {
  const functions = [start(), gather(), block(), finish(), prepare(), messages(), pairs()];
  return wasmModule(functions, MEMORY_PAGES);
}

const at = (address: number, i: number): [Code, number] => [int.constant(address), i * VECTOR_BYTES];
const wordsAt = (i: number): [Code, number] => at(WORDS_AT, i);

/** The first 32 bits of the fractional part of a root of the first primes: where the constants of SHA-256 come from. */
function fractions(count: number, root: (n: number) => number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes.map((prime) => Math.floor((root(prime) % 1) * 2 ** 32));
}

/** Writes the round constants. */
function prepare(): WasmFunction {
  const code = fractions(ROUNDS, Math.cbrt).map((k, i) => {
    const [address, offset] = at(CONSTANTS_AT, i);
    return memory.store128(address, lanes.splat(int.constant(k)), offset);
  });
  return { name: 'prepare', parameters: 0, integers: 0, vectors: 0, code };
}

/** Sets the state to the initial hash value. */
function start(): WasmFunction {
  const code = fractions(8, Math.sqrt).map((h, i) => {
    const [address, offset] = at(STATE_AT, i);
    return memory.store128(address, lanes.splat(int.constant(h)), offset);
  });
  return { parameters: 0, integers: 0, vectors: 0, code };
}

const REVERSED_WORDS = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
const LOW_WORDS = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
const HIGH_WORDS = [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31];
const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const HIGH_HALVES = [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31];

/** Turns rows into columns: vector i of the result holds word i of each of the four. `spare`: four free locals. */
function transposed(rows: readonly number[], spare: readonly number[]): { code: Code; columns: Code[] } {
  const [a, b, c, d] = rows.map((row) => local.get(row)) as [Code, Code, Code, Code];
  const [p, q, r, s] = spare as [number, number, number, number];
  const code = [
    [lanes.shuffle(a, b, LOW_WORDS), local.set(p)],
    [lanes.shuffle(c, d, LOW_WORDS), local.set(q)],
    [lanes.shuffle(a, b, HIGH_WORDS), local.set(r)],
    [lanes.shuffle(c, d, HIGH_WORDS), local.set(s)],
  ];
  const columns = [
    lanes.shuffle(local.get(p), local.get(q), LOW_HALVES),
    lanes.shuffle(local.get(p), local.get(q), HIGH_HALVES),
    lanes.shuffle(local.get(r), local.get(s), LOW_HALVES),
    lanes.shuffle(local.get(r), local.get(s), HIGH_HALVES),
  ];
  return { code, columns };
}

/** Takes 64 bytes from each of four addresses as the message words of the next block. */
function gather(): WasmFunction {
  const rows = [4, 5, 6, 7];
  const code = [0, 1, 2, 3].map((quarter) => {
    const loads = rows.map((row, lane) => {
      const bytes = memory.load128(local.get(lane), quarter * VECTOR_BYTES);
      return [bytes, local.tee(row), local.get(row), lanes.shuffle([], [], REVERSED_WORDS), local.set(row)];
    });
    const { code: turn, columns } = transposed(rows, [8, 9, 10, 11]);
    const stores = columns.map((column, i) => {
      const [address, offset] = wordsAt(4 * quarter + i);
      return memory.store128(address, column, offset);
    });
    return [loads, turn, stores];
  });
  return { parameters: LANES, integers: 0, vectors: 8, code };
}

const rotated = (value: Code, bits: number): Code =>
  lanes.or(lanes.shiftRight(value, bits), lanes.shiftLeft(value, 32 - bits));
/** Exclusive or of a value rotated by two numbers of bits, and by a third or shifted by it. */
const mixed = (value: Code, a: number, b: number, last: Code): Code =>
  lanes.xor(lanes.xor(rotated(value, a), rotated(value, b)), last);

/** Works one block of message words into the state (FIPS 180-4, section 6.2.2), all rounds laid out one after the other. */
function block(): WasmFunction {
  const state = [0, 1, 2, 3, 4, 5, 6, 7];
  const words = Array.from({ length: 16 }, (_, i) => 8 + i);
  const [early, late, sum, both, lastBoth] = [24, 25, 26, 27, 28] as [number, number, number, number, number];
  const word = (round: number): number => words[round & 15] as number;
  const code: Code[] = [];
  for (const i of words.keys()) code.push(memory.load128(...wordsAt(i)), local.set(word(i)));
  for (const i of state.keys()) code.push(memory.load128(...at(STATE_AT, i)), local.set(i));
  code.push(lanes.xor(local.get(1), local.get(2)), local.set(lastBoth));
  let letters = state;
  for (let round = 0; round < ROUNDS; round++) {
    const [a, b, , d, e, f, g, h] = letters as [number, number, number, number, number, number, number, number];
    if (round >= 16) {
      const [w15, w2] = [local.get(early), local.get(late)];
      const small0 = mixed(w15, 7, 18, lanes.shiftRight(w15, 3));
      const small1 = mixed(w2, 17, 19, lanes.shiftRight(w2, 10));
      code.push(local.get(word(round - 15)), local.set(early), local.get(word(round - 2)), local.set(late));
      code.push(lanes.add(lanes.add(local.get(word(round)), small0), lanes.add(local.get(word(round - 7)), small1)));
      code.push(local.set(word(round)));
    }
    const big1 = mixed(local.get(e), 6, 11, rotated(local.get(e), 25));
    const chosen = lanes.xor(local.get(g), lanes.and(local.get(e), lanes.xor(local.get(f), local.get(g))));
    const keyed = lanes.add(memory.load128(...at(CONSTANTS_AT, round)), local.get(word(round)));
    code.push(lanes.add(lanes.add(lanes.add(local.get(h), big1), chosen), keyed), local.set(sum));
    code.push(lanes.add(local.get(d), local.get(sum)), local.set(d));
    const big0 = mixed(local.get(a), 2, 13, rotated(local.get(a), 22));
    // The majority of a, b and c is b where a and b agree or b and c do not; the latter was computed a round ago.
    const majority = lanes.xor(
      lanes.and([lanes.xor(local.get(a), local.get(b)), local.tee(both)], local.get(lastBoth)),
      local.get(b),
    );
    code.push(lanes.add(lanes.add(local.get(sum), big0), majority), local.set(h), local.get(both), local.set(lastBoth));
    letters = [h, ...letters.slice(0, 7)];
  }
  for (const i of state.keys()) {
    const [address, offset] = at(STATE_AT, i);
    code.push(
      memory.store128(address, lanes.add(memory.load128(address, offset), local.get(letters[i] as number)), offset),
    );
  }
  return { parameters: 0, integers: 0, vectors: 29, code };
}

/** Writes the state as four digests. */
function finish(): WasmFunction {
  const rows = [1, 2, 3, 4];
  const code = [0, 1].map((half) => {
    const loads = rows.map((row, i) => [memory.load128(...at(STATE_AT, 4 * half + i)), local.set(row)]);
    const { code: turn, columns } = transposed(rows, [5, 6, 7, 8]);
    const stores = columns.map((column, lane) => {
      const bytes = [column, local.tee(9), local.get(9), lanes.shuffle([], [], REVERSED_WORDS)];
      return memory.store128(local.get(0), bytes, lane * HASH_BYTES + half * VECTOR_BYTES);
    });
    return [loads, turn, stores];
  });
  return { parameters: 1, integers: 0, vectors: 9, code };
}

/** Bytes 03 02 01 00 as a number, of bytes 00 01 02 03. */
const reversed = (value: Code): Code =>
  int.or(
    int.and(int.rotateLeft(value, 8), int.constant(0x00ff00ff)),
    int.and(int.rotateLeft(value, 24), int.constant(0xff00ff00)),
  );

/** Locals of {@link messages}: parameters, counters, and for each lane what is said of its message. */
const MESSAGE = {
  lengths: 0,
  end: 1,
  count: 2,
  digests: 3,
  done: 4,
  length: 5,
  rest: 6,
  number: 7,
  greatest: 8,
} as const;
/** Where the message of a lane starts, how many blocks in it are whole, how many there are with the padding. */
const startOf = (lane: number): number => 9 + lane;
const wholesOf = (lane: number): number => 13 + lane;
const blocksOf = (lane: number): number => 17 + lane;
const MESSAGE_INTEGERS = 17;
const endOf = (lane: number): number => ENDS_AT + lane * END_BYTES;

/** Length of message `i`. */
const lengthAt = (i: Code): Code => reversed(memory.load32(int.add(local.get(MESSAGE.lengths), int.shiftLeft(i, 2))));

/** Gives a lane the next message, an empty one when there is none left, and pads its end. */
function enter(lane: number): Code {
  const { end, count, done, length, rest, greatest } = MESSAGE;
  const [whole, blocks, endAt] = [local.get(wholesOf(lane)), local.get(blocksOf(lane)), int.constant(endOf(lane))];
  const next = int.add(local.get(done), int.constant(lane));
  const isThere = int.isLess(next, local.get(count));
  const isShort = int.isLess(local.get(rest), int.constant(BLOCK_BYTES - 8));
  const lengthWord = flow.choose(isShort, int.constant(BLOCK_BYTES - 4), int.constant(END_BYTES - 4));
  return [
    [int.constant(0), local.set(length)],
    flow.when(isThere, [lengthAt(next), local.set(length)]),
    [local.get(end), local.set(startOf(lane))],
    [int.add(local.get(end), local.get(length)), local.set(end)],
    [int.shiftRight(local.get(length), 6), local.set(wholesOf(lane))],
    [int.and(local.get(length), int.constant(BLOCK_BYTES - 1)), local.set(rest)],
    [int.add(whole, flow.choose(isShort, int.constant(1), int.constant(2))), local.set(blocksOf(lane))],
    zeros(endOf(lane), END_BYTES / VECTOR_BYTES),
    memory.copy(endAt, int.add(local.get(startOf(lane)), int.shiftLeft(whole, 6)), local.get(rest)),
    memory.store8(int.add(endAt, local.get(rest)), int.constant(0x80)),
    memory.store32(int.add(endAt, lengthWord), reversed(int.shiftLeft(local.get(length), 3))),
    flow.when(int.isMore(blocks, local.get(greatest)), [blocks, local.set(greatest)]),
  ];
}

/** Address of the block of a lane that is to be hashed next. */
function blockOf(lane: number): Code {
  const [number, whole] = [local.get(MESSAGE.number), local.get(wholesOf(lane))];
  const inMessage = int.add(local.get(startOf(lane)), int.shiftLeft(number, 6));
  // A lane that is done goes over its end again, and nobody looks at it.
  const isSecond = int.isEqual(number, int.add(whole, int.constant(1)));
  const inEnd = flow.choose(isSecond, int.constant(endOf(lane) + BLOCK_BYTES), int.constant(endOf(lane)));
  return flow.choose(int.isLess(number, whole), inMessage, inEnd);
}

/** True when the last block of a lane has been hashed. */
const isDone = (lane: number): Code => int.isEqual(local.get(blocksOf(lane)), local.get(MESSAGE.number));

/** Puts the digest of a lane that is done where the caller wants it. */
function leave(lane: number): Code {
  const to = int.add(local.get(MESSAGE.digests), int.constant(lane * HASH_BYTES));
  const from = int.constant(DIGESTS_AT + lane * HASH_BYTES);
  const halves = [0, VECTOR_BYTES].map((offset) => memory.store128(to, memory.load128(from, offset), offset));
  return flow.when(isDone(lane), halves);
}

function messages(): WasmFunction {
  const { end, count, digests, done, number, greatest } = MESSAGE;
  const isOneDone = LANE_NUMBERS.map(isDone).reduce(int.or);
  const code = [
    // `end` goes back to where the first message starts.
    doWhileBelow(done, count, [
      [int.subtract(local.get(end), lengthAt(local.get(done))), local.set(end)],
      increase(done, 1),
    ]),
    [int.constant(0), local.set(done)],
    doWhileBelow(done, count, [
      [int.constant(0), local.set(greatest), int.constant(0), local.set(number)],
      [flow.call(START), LANE_NUMBERS.map(enter)],
      doWhileBelow(number, greatest, [
        [LANE_NUMBERS.map(blockOf), flow.call(GATHER), flow.call(BLOCK), increase(number, 1)],
        flow.when(isOneDone, [int.constant(DIGESTS_AT), flow.call(FINISH), LANE_NUMBERS.map(leave)]),
      ]),
      increase(digests, LANES * HASH_BYTES),
      increase(done, LANES),
    ]),
  ];
  return { name: 'messages', parameters: 4, integers: MESSAGE_INTEGERS, vectors: 0, code };
}

const zeros = (address: number, vectors: number): Code =>
  Array.from({ length: vectors }, (_, i) =>
    memory.store128(int.constant(address), lanes.splat(int.constant(0)), i * VECTOR_BYTES),
  );

const increase = (number: number, by: number): Code => [
  int.add(local.get(number), int.constant(by)),
  local.set(number),
];

/** Runs the code while one local is less than another, which it must be at first for the code to run at all. */
function doWhileBelow(number: number, bound: number, code: Code): Code {
  const isBelow = int.isLess(local.get(number), local.get(bound));
  return flow.when(isBelow, flow.doWhile(code, isBelow));
}

function pairs(): WasmFunction {
  const [hashes, count, digests, done] = [0, 1, 2, 3] as const;
  const pairAt = (lane: number): Code => int.add(local.get(hashes), int.constant(lane * 2 * HASH_BYTES - 1));
  const [firstAt, firstOffset] = wordsAt(0);
  const [lastAt, lastOffset] = wordsAt(15);
  const first = lanes.and(memory.load128(firstAt, firstOffset), lanes.splat(int.constant(0x00ffffff)));
  // The second block holds the last byte of the pair, the end mark, zeros, and the length.
  const lastByte = (lane: number): Code =>
    int.or(int.shiftLeft(memory.load8(local.get(hashes), lane * 2 * HASH_BYTES + 63), 24), int.constant(0x800000));
  const lastBytes = LANE_NUMBERS.slice(1).reduce(
    (code, lane) => lanes.replaceLane(code, lane, lastByte(lane)),
    lanes.splat(lastByte(0)),
  );
  const code = doWhileBelow(done, count, [
    [flow.call(START), LANE_NUMBERS.map(pairAt), flow.call(GATHER)],
    memory.store128(firstAt, lanes.or(first, lanes.splat(int.constant(0x01000000))), firstOffset),
    flow.call(BLOCK),
    zeros(WORDS_AT, 15),
    memory.store128(firstAt, lastBytes, firstOffset),
    memory.store128(lastAt, lanes.splat(int.constant(NODE_BITS)), lastOffset),
    [flow.call(BLOCK), local.get(digests), flow.call(FINISH)],
    [increase(hashes, LANES * 2 * HASH_BYTES), increase(digests, LANES * HASH_BYTES), increase(done, LANES)],
  ]);
  return { name: 'pairs', parameters: 3, integers: 1, vectors: 0, code };
}
