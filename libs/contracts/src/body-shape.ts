/** Most leaves of one shape; a body with more is left to JSON.parse. */
export const SHAPE_LEAVES_MAX = 128;
/** Most bytes of the constant text of one shape. */
const SHAPE_FIXED_BYTES_MAX = 8_192;
/** Keys from which on copying a template was measured faster. */
const TEMPLATE_KEYS_MIN = 13;
/** Deepest nesting of objects in one shape. */
const SHAPE_DEPTH_MAX = 16;

/** Keys of a stored event that has no `subject`, in order. */
export const ENVELOPE_KEYS = ['arrivedat', 'data', 'id', 'site', 'source', 'specversion', 'time', 'type'];
const SUBJECT_ENVELOPE_KEYS = [...ENVELOPE_KEYS, 'subject'].sort();

/** An object of a shape: its keys in order, and for each the object below it, or undefined for a leaf. */
export interface ShapeNode {
  readonly keys: readonly string[];
  readonly below: readonly (ShapeNode | undefined)[];
  /** For an object of many keys: one with the same keys, to be copied, which is faster than adding key by key. */
  readonly template: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The constant texts of a shape, one before each leaf and one after the last, end to end as little-endian words: each has
 * the words from its front, and then its last four bytes, which overlap them unless its length is a multiple of four. A
 * text shorter than four bytes is one word, with zeros behind.
 */
export interface FixedTexts {
  readonly words: Int32Array;
  /** Bytes of each text. */
  readonly lengths: Uint16Array;
}

/** What all bodies with the same keys have in common: the text around their leaves, and the objects that hold them. */
export interface BodyShape {
  readonly leafCount: number;
  readonly fixed: FixedTexts;
  readonly root: ShapeNode;
  /** True for {@link ENVELOPE_KEYS} with or without `subject`, all of them leaves but `data`. */
  readonly isEnvelope: boolean;
  /** For each leaf the string that it held last. */
  readonly steady: SteadyTexts;
}

/** Longest string that is recognised when it comes again, bytes. */
export const STEADY_BYTES_MAX = 64;
/** Times in a row that a leaf holds another string before its strings are no longer compared with the one before. */
const STEADY_MISSES_MAX = 8;

/** The string that each leaf held last, to be given out again while it stays the same. */
export class SteadyTexts {
  readonly texts: string[];
  /** {@link STEADY_BYTES_MAX} bytes for each leaf. */
  readonly bytes: Uint8Array;
  /** Bytes of each string; below zero where there is none. */
  readonly lengths: Int8Array;
  private readonly misses: Uint8Array;

  constructor(leafCount: number) {
    this.texts = new Array<string>(leafCount).fill('');
    this.bytes = new Uint8Array(leafCount * STEADY_BYTES_MAX);
    this.lengths = new Int8Array(leafCount).fill(-1);
    this.misses = new Uint8Array(leafCount);
  }

  /** Takes the string of leaf `n`, which is not the one before and lies at [start, end). */
  take(n: number, text: string, source: Uint8Array, start: number, end: number): void {
    const misses = this.misses[n] as number;
    if (misses > STEADY_MISSES_MAX) return;
    this.misses[n] = misses + 1;
    const isKept = misses < STEADY_MISSES_MAX && end - start <= STEADY_BYTES_MAX;
    this.texts[n] = isKept ? text : '';
    this.lengths[n] = isKept ? end - start : -1;
    if (!isKept) return;
    const to = n * STEADY_BYTES_MAX - start;
    for (let at = start; at < end; at++) this.bytes[to + at] = source[at] as number;
  }

  /** Notes that leaf `n` held the same string again. */
  hit(n: number): void {
    this.misses[n] = 0;
  }
}

/**
 * The shape of a value that JSON.parse gave, written as canonical JSON writes it; undefined for a value that has none:
 * anything but an object, very large ones, and keys that cannot be set by plain assignment or are not ASCII.
 */
export function shapeOf(value: unknown): BodyShape | undefined {
  return isInner(value) ? new ShapeWriter().shapeOf(value) : undefined;
}

class ShapeWriter {
  private readonly texts: string[] = [];
  private text = '';
  private isSound = true;

  shapeOf(value: Record<string, unknown>): BodyShape | undefined {
    const root = this.object(value, 1);
    this.texts.push(this.text);
    const fixedBytes = this.texts.reduce((sum, { length }) => sum + length, 0);
    if (!this.isSound || fixedBytes > SHAPE_FIXED_BYTES_MAX) return undefined;
    const leafCount = this.texts.length - 1;
    return {
      leafCount,
      fixed: fixedTexts(this.texts),
      root,
      isEnvelope: isEnvelope(root),
      steady: new SteadyTexts(leafCount),
    };
  }

  private object(value: Record<string, unknown>, depth: number): ShapeNode {
    const keys = Object.keys(value);
    // A key that the prototype knows might meet a setter or a frozen property.
    if (depth > SHAPE_DEPTH_MAX || keys.some((key) => key in Object.prototype || !isAscii(key))) this.isSound = false;
    const below = this.isSound ? keys.map((key, i) => this.member(key, value[key], i, depth)) : [];
    this.text += '}';
    return { keys, below, template: this.isSound && keys.length >= TEMPLATE_KEYS_MIN ? templateOf(keys) : undefined };
  }

  private member(key: string, value: unknown, i: number, depth: number): ShapeNode | undefined {
    this.text += (i === 0 ? '{' : ',') + JSON.stringify(key) + ':';
    if (isInner(value)) return this.object(value, depth + 1);
    this.texts.push(this.text);
    this.text = '';
    if (this.texts.length > SHAPE_LEAVES_MAX) this.isSound = false;
    return undefined;
  }
}

function isEnvelope({ keys, below }: ShapeNode): boolean {
  const hasLeaves = below.every((node, i) => node === undefined || keys[i] === 'data');
  return hasLeaves && [ENVELOPE_KEYS, SUBJECT_ENVELOPE_KEYS].some((known) => known.join() === keys.join());
}

/** True for an object with members; arrays and empty objects are leaves. */
function isInner(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length > 0;
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

/**
 * An object with these keys. Each field has held values of several kinds: V8 takes a field that never changed for a constant,
 * and then makes the first change in every copy slow.
 */
function templateOf(keys: readonly string[]): Readonly<Record<string, unknown>> {
  const first = Object.fromEntries(keys.map((key) => [key, 0 as unknown]));
  const object = JSON.parse(JSON.stringify(first)) as Record<string, unknown>;
  for (const key of keys) for (const value of ['', 1.5, {}, null]) object[key] = value;
  const template = { ...object };
  for (const key of keys) for (const value of ['', 0]) template[key] = value;
  return template;
}

function fixedTexts(texts: readonly string[]): FixedTexts {
  const words: number[] = [];
  for (const text of texts) {
    const bytes = Buffer.from(text.padEnd(4, '\0'), 'latin1');
    for (let at = 0; at + 4 < bytes.length; at += 4) words.push(bytes.readInt32LE(at));
    words.push(bytes.readInt32LE(bytes.length - 4));
  }
  return { words: Int32Array.from(words), lengths: Uint16Array.from(texts, ({ length }) => length) };
}
