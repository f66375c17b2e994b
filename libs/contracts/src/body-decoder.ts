import {
  ENVELOPE_KEYS,
  SHAPE_LEAVES_MAX,
  STEADY_BYTES_MAX,
  shapeOf,
  type BodyShape,
  type ShapeNode,
  type SteadyTexts,
} from './body-shape';
import { LearningCredit } from './learning-credit';

/** Most shapes that are kept of one type. */
const SHAPES_A_TYPE_MAX = 8;
/** Most shapes, and most types, that are kept in all. */
const SHAPES_MAX = 512;
/** From this length on V8 lets a part of a string share the memory of the whole, and so keep it alive. */
const SHARED_FROM_LENGTH = 13;
/** Digits that a double holds exactly. */
const EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, n) => 10 ** n);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const ATOMS = new Map<number, { readonly text: string; readonly value: boolean | null }>(
  ([true, false, null] as const).map((value) => [String(value).charCodeAt(0), { text: String(value), value }]),
);

/** A buffer's own way to text, without the detour by the name of the encoding. */
interface Latin1Bytes extends Buffer {
  latin1Slice(start: number, end: number): string;
}

/** Shapes of one type; those that fit often come to stand in front. */
interface KnownShapes {
  readonly shapes: BodyShape[];
  /** While it rests, the type's bodies are too unlike each other, and are left to JSON.parse. */
  readonly credit: LearningCredit;
}

/**
 * Decodes JSON bodies, exactly as JSON.parse does. Bodies of a type mostly have the same keys: their text is compared with
 * what was met before, and only the leaves are read. Whatever is unusual (another shape, white space, text beyond ASCII) is
 * left to JSON.parse. What is kept is bounded.
 */
export class BodyDecoder {
  private readonly types = new Map<string, KnownShapes>();
  private shapeCount = 0;
  private lastType: string | undefined;
  private lastKnown: KnownShapes | undefined;
  /** The memory in which the body at hand lies, and views of all of it. */
  private memory: ArrayBufferLike = new ArrayBuffer(0);
  private bytes = Buffer.from(this.memory) as Latin1Bytes;
  private view = new DataView(this.memory);
  private end = 0;
  /** Where in `memory` the body starts, and its text from there on, made when it is first needed. */
  private textStart = 0;
  private text: string | undefined;
  private readonly leaves: unknown[] = new Array<unknown>(SHAPE_LEAVES_MAX).fill(undefined);
  private leaf = 0;

  /**
   * The value of the JSON text at [start, end) of some bytes.
   *
   * @param type bodies of one type are expected to be alike; the result does not depend on it
   * @throws SyntaxError as JSON.parse; TypeError for bytes that are no UTF-8
   */
  decode(body: Uint8Array, start: number, end: number, type: string): unknown {
    const known = type === this.lastType ? (this.lastKnown as KnownShapes) : this.knownOf(type);
    const isTried = !known.credit.isResting && start >= 0 && start < end && end <= body.length;
    const shape = isTried ? this.fitting(known, body, start, end) : undefined;
    if (shape !== undefined) return shape.isEnvelope ? this.buildEvent(shape.root.below) : this.buildWhole(shape.root);
    const isWhole = start === 0 && end === body.length;
    const value: unknown = JSON.parse(decoder.decode(isWhole ? body : body.subarray(start, end)));
    if (known.credit.miss()) this.learn(known, value);
    return value;
  }

  private knownOf(type: string): KnownShapes {
    let known = this.types.get(type);
    if (known === undefined) {
      if (this.types.size >= SHAPES_MAX) this.forgetAll();
      known = { shapes: [], credit: new LearningCredit() };
      this.types.set(type, known);
    }
    this.lastType = type;
    this.lastKnown = known;
    return known;
  }

  private forgetAll(): void {
    this.types.clear();
    this.shapeCount = 0;
    this.lastType = undefined;
  }

  /** The shape that a body has, its leaves read; undefined when none of those that are known is. */
  private fitting(known: KnownShapes, body: Uint8Array, start: number, end: number): BodyShape | undefined {
    const { shapes } = known;
    if (body.buffer !== this.memory) this.enter(body.buffer);
    this.textStart = body.byteOffset + start;
    this.end = body.byteOffset + end;
    this.text = undefined;
    for (let i = 0; i < shapes.length; i++) {
      const shape = shapes[i] as BodyShape;
      if (!this.readLeaves(shape)) continue;
      if (i > 0) [shapes[i - 1], shapes[i]] = [shape, shapes[i - 1] as BodyShape];
      known.credit.hit();
      return shape;
    }
    return undefined;
  }

  private enter(memory: ArrayBufferLike): void {
    this.memory = memory;
    this.bytes = Buffer.from(memory) as Latin1Bytes;
    this.view = new DataView(memory);
  }

  /** Takes up the shape of the body at hand, which has none that is known. */
  private learn(known: KnownShapes, value: unknown): void {
    const shape = shapeOf(value);
    // The text may be other than canonical, with white space for instance, and then no body like it would fit.
    if (shape === undefined || !this.readLeaves(shape)) return;
    if (this.shapeCount >= SHAPES_MAX) this.forgetAll();
    if (known.shapes.length < SHAPES_A_TYPE_MAX) this.shapeCount++;
    else known.shapes.pop();
    known.shapes.push(shape);
  }

  /** As {@link BodyDecoder.build}, several times faster for the keys that most events have. */
  private buildEvent(below: ShapeNode['below']): Record<string, unknown> {
    const { leaves } = this;
    const arrivedat = leaves[0];
    this.leaf = 1;
    const data = below[1] === undefined ? leaves[this.leaf++] : this.build(below[1]);
    const at = this.leaf;
    const id = leaves[at];
    const site = leaves[at + 1];
    const source = leaves[at + 2];
    const specversion = leaves[at + 3];
    const after = leaves[at + 4];
    const later = leaves[at + 5];
    return below.length === ENVELOPE_KEYS.length
      ? { arrivedat, data, id, site, source, specversion, time: after, type: later }
      : { arrivedat, data, id, site, source, specversion, subject: after, time: later, type: leaves[at + 6] };
  }

  private buildWhole(root: ShapeNode): Record<string, unknown> {
    this.leaf = 0;
    return this.build(root);
  }

  private build(node: ShapeNode): Record<string, unknown> {
    if (node.template !== undefined) return this.buildWide(node, node.template);
    const { keys, below } = node;
    const object: Record<string, unknown> = {};
    for (let i = 0; i < keys.length; i++) {
      const inner = below[i];
      object[keys[i] as string] = inner === undefined ? this.leaves[this.leaf++] : this.build(inner);
    }
    return object;
  }

  /** Apart from {@link BodyDecoder.build}, so that each of the two meets its own kind of objects. */
  private buildWide({ keys, below }: ShapeNode, template: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const object = { ...template };
    for (let i = 0; i < keys.length; i++) {
      const inner = below[i];
      object[keys[i] as string] = inner === undefined ? this.leaves[this.leaf++] : this.build(inner);
    }
    return object;
  }

  private readLeaves({ leafCount, fixed, steady }: BodyShape): boolean {
    const { view, bytes, end, leaves } = this;
    const { words, lengths } = fixed;
    let at = this.textStart;
    let word = 0;
    for (let n = 0; ; n++) {
      const length = lengths[n] as number;
      if (at + length > end || !isFixed(view, at, length, words, word)) return false;
      word += length < 4 ? 1 : (length + 3) >> 2;
      at += length;
      if (n === leafCount) return at === end;
      if (bytes[at] !== QUOTE) {
        at = this.readOther(n, at);
        if (at < 0) return false;
        continue;
      }
      const start = at + 1;
      const steadyEnd = steadyEndOf(steady, n, bytes, start, end);
      if (steadyEnd > 0) {
        leaves[n] = steady.texts[n];
        at = steadyEnd + 1;
        continue;
      }
      const textEnd = plainEnd(bytes, start, end);
      if (bytes[textEnd] === QUOTE && textEnd < end) {
        const text = this.cut(start, textEnd);
        leaves[n] = text;
        steady.take(n, text, bytes, start, textEnd);
        at = textEnd + 1;
      } else {
        at = this.readParsed(n, at, this.stringEnd(textEnd));
        if (at < 0) return false;
        steady.take(n, leaves[n] as string, bytes, start, at - 1);
      }
    }
  }

  /** Text in memory of its own: a part of a longer string would keep all of that alive. */
  private cut(start: number, end: number): string {
    if (end - start >= SHARED_FROM_LENGTH) return this.bytes.latin1Slice(start, end);
    const text = (this.text ??= this.bytes.latin1Slice(this.textStart, this.end));
    return text.substring(start - this.textStart, end - this.textStart);
  }

  /** Reads leaf `n`, which is no string; returns where it ends, below zero when it cannot be read. */
  private readOther(n: number, at: number): number {
    const byte = this.bytes[at] as number;
    if (byte === MINUS || (byte >= ZERO && byte <= ZERO + 9)) return this.readNumber(n, at);
    if (byte === ARRAY || byte === OBJECT) return this.readParsed(n, at, this.nestedEnd(at));
    const atom = ATOMS.get(byte);
    if (atom === undefined) return -1;
    const end = at + atom.text.length;
    if (end > this.end || this.bytes.latin1Slice(at, end) !== atom.text) return -1;
    this.leaves[n] = atom.value;
    return end;
  }

  /** Numbers of so few digits that they come out exact: a quotient of two exact doubles is rounded once. */
  private readNumber(n: number, start: number): number {
    const { bytes, end } = this;
    let at = start;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    const first = at;
    let whole = 0;
    let pointAt = -1;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte >= ZERO && byte <= ZERO + 9) whole = whole * 10 + (byte - ZERO);
      else if (byte === POINT && pointAt < 0) pointAt = at;
      else break;
    }
    const wholeEnd = pointAt < 0 ? at : pointAt;
    const digits = at - first - (pointAt < 0 ? 0 : 1);
    const isPlain = wholeEnd > first && (wholeEnd === first + 1 || bytes[first] !== ZERO) && pointAt !== at - 1;
    const next = (bytes[at] as number) | 0x20;
    if (!isPlain || digits > EXACT_DIGITS || next === 0x65) return this.readParsed(n, start, this.numberEnd(start));
    const value = pointAt < 0 ? whole : whole / (POWERS_OF_TEN[at - pointAt - 1] as number);
    this.leaves[n] = isNegative ? -value : value;
    return at;
  }

  /** Leaves leaf `n` at [start, end) to JSON.parse; below zero when that refuses it, and so the whole body as well. */
  private readParsed(n: number, start: number, end: number): number {
    if (end < 0) return -1;
    try {
      this.leaves[n] = JSON.parse(this.bytes.latin1Slice(start, end));
      return end;
    } catch {
      return -1;
    }
  }

  /** Where the string ends in which `at` lies; below zero when it does not, or holds text beyond ASCII. */
  private stringEnd(at: number): number {
    for (; at < this.end; at++) {
      const byte = this.bytes[at] as number;
      if (byte === QUOTE) return at + 1;
      if (byte === BACKSLASH) at++;
      else if (byte > 0x7e) return -1;
    }
    return -1;
  }

  private nestedEnd(start: number): number {
    let depth = 0;
    for (let at = start; at < this.end; at++) {
      const byte = this.bytes[at] as number;
      if (byte === QUOTE) {
        at = this.stringEnd(at + 1) - 1;
        if (at < 0) return -1;
      } else if (byte === ARRAY || byte === OBJECT) depth++;
      else if (byte > 0x7e) return -1;
      else if ((byte === ARRAY_END || byte === OBJECT_END) && --depth === 0) return at + 1;
    }
    return -1;
  }

  private numberEnd(at: number): number {
    while (at < this.end && NUMBER_BYTES.has(this.bytes[at] as number)) at++;
    return at;
  }
}

/** True when constant text stands at `at`; `word` is the first of its words. */
function isFixed(view: DataView, at: number, length: number, words: Int32Array, word: number): boolean {
  if (length < 4) {
    const wanted = words[word] as number;
    for (let j = 0; j < length; j++) if (view.getUint8(at + j) !== ((wanted >> (8 * j)) & 0xff)) return false;
    return true;
  }
  const last = at + length - 4;
  for (; at < last; at += 4) if (view.getInt32(at, true) !== words[word++]) return false;
  return view.getInt32(last, true) === words[word];
}

/** Where the string at `start` ends if it is the one that leaf `n` held last; else below zero. */
function steadyEndOf(steady: SteadyTexts, n: number, bytes: Uint8Array, start: number, end: number): number {
  const length = steady.lengths[n] as number;
  const steadyEnd = start + length;
  if (length < 0 || steadyEnd >= end || bytes[steadyEnd] !== QUOTE) return -1;
  const known = steady.bytes;
  const from = n * STEADY_BYTES_MAX - start;
  for (let at = start; at < steadyEnd; at++) if (bytes[at] !== known[from + at]) return -1;
  steady.hit(n);
  return steadyEnd;
}

/** Where text ends that stands for itself: at a quote, a backslash, and anything that is not printable ASCII. */
function plainEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && IS_PLAIN[bytes[at] as number] === 1) at++;
  return at;
}

const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte <= 0x7e && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);
const NUMBER_BYTES = new Set(Buffer.from('0123456789+-.eE'));
const decoder = new TextDecoder('utf-8', { fatal: true });
const shared = new BodyDecoder();

/**
 * The value of the JSON text at [start, end) of some bytes, as a {@link BodyDecoder} that all readers share gives it.
 *
 * @throws SyntaxError as JSON.parse; TypeError for bytes that are no UTF-8
 */
export function decodeBody(body: Uint8Array, start: number, end: number, type: string): unknown {
  return shared.decode(body, start, end, type);
}
