import {
  ENVELOPE_SCHEMA,
  EVENT_BYTES_MAX,
  LearningCredit,
  eventRegistry,
  type FieldClasses,
  type FieldPlan,
  type JsonSchema,
  type ProtegoEvent,
} from '@protego/contracts';
import { areWordsAt, viewOf } from '../byte-words';
import { SHAPE_LEAVES_MAX, shapeOf, type EventShape } from '../event-shape';
import { type JsonBytes } from '../json-bytes';
import { LayoutTree } from './layout-tree';
import { leafCheckOf, passesCheck, textCheck, type LeafCheck } from './leaf-check';
import { LEAF_KINDS, MessageBytes, MessageLeaves } from './message-leaves';
import { messageLayoutOf } from './message-layout';

/** Longer messages are left to the parser: with what is read here, canonical form and message have the same length. */
const MESSAGE_BYTES_MAX = EVENT_BYTES_MAX / 4;
/** Most types of which events have one layout. */
const TYPES_A_LAYOUT_MAX = 16;
const TILDE = 0x7e;
const { text: TEXT, integer: INTEGER, decimal: DECIMAL } = LEAF_KINDS;
/** Members of the envelope that every event of a known kind has alike. */
const CONSTANT_MEMBERS = ['specversion', 'type', 'dataschema', 'datacontenttype'];
/** What the envelope asks of the others, all of them texts. */
const ENVELOPE_MEMBERS = ENVELOPE_SCHEMA['properties'] as Readonly<Record<string, JsonSchema>>;
/** Greatest length of those of which only a form is asked, which no longer text has. */
const FORM_LENGTH_MAX = 64;

/** A scalar that is the same in all events of a kind. */
interface Constant {
  readonly at: number;
  readonly bytes: DataView;
}

/** What is known of the events of one type and version that are written in one layout. */
export interface MessageKind {
  readonly type: string;
  readonly plan: FieldPlan;
  readonly shape: EventShape;
  readonly constants: readonly Constant[];
  readonly checks: readonly LeafCheck[];
  /** Leaves in open fields. */
  readonly open: readonly number[];
  /** Leaves whose values are read; all others are copied. */
  readonly read: readonly number[];
}

/** Where the members of the envelope stand, of all messages of one layout; -1 for one that is not there. */
export interface EnvelopePlaces {
  readonly id: number;
  readonly source: number;
  readonly site: number;
  readonly time: number;
  readonly arrivedat: number;
}

interface KnownLayout {
  readonly places: EnvelopePlaces;
  readonly kinds: MessageKind[];
}

/** A message of a known kind: it is the event that a parser would read, and its form and data are as the schema asks. */
export class KnownMessage {
  /** Values that are read, by their places in the shape; what is sealed is replaced here. Others are undefined. */
  readonly values: unknown[] = new Array<unknown>(SHAPE_LEAVES_MAX).fill(undefined);
  readonly leaves = new MessageLeaves(SHAPE_LEAVES_MAX);
  readonly message = new MessageBytes();
  kind!: MessageKind;
  places!: EnvelopePlaces;

  /** Text of a leaf that is one. */
  text(at: number): string {
    return this.message.bytes.latin1Slice((this.leaves.starts[at] as number) + 1, (this.leaves.ends[at] as number) - 1);
  }

  /** True when a leaf is this text, of printable ASCII. */
  isText(at: number, text: string): boolean {
    const { bytes } = this.message;
    const start = (this.leaves.starts[at] as number) + 1;
    if ((this.leaves.ends[at] as number) - 1 - start !== text.length) return false;
    for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  /** True when two leaves have the same bytes. */
  isSame(a: number, b: number): boolean {
    const { bytes } = this.message;
    const { starts, ends } = this.leaves;
    const from = starts[a] as number;
    const other = starts[b] as number;
    const length = (ends[a] as number) - from;
    if ((ends[b] as number) - other !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[from + i] !== bytes[other + i]) return false;
    return true;
  }

  /** Value of a leaf as it came. */
  original(at: number): unknown {
    const kind = this.leaves.kinds[at];
    if (kind === TEXT) return this.text(at);
    if (kind === INTEGER || kind === DECIMAL)
      return Number(this.message.bytes.latin1Slice(this.leaves.starts[at] as number, this.leaves.ends[at] as number));
    return kind === LEAF_KINDS.null ? null : kind === LEAF_KINDS.true;
  }

  /** Writes the event as canonical JSON (RFC 8785): values that were read or replaced, and the rest as it came. */
  write(out: JsonBytes): void {
    out.templateOf(this.kind.shape, this.values, this.message.view, this.leaves);
  }

  /** Forgets the message. */
  forget(): void {
    for (const at of this.kind.read) this.values[at] = undefined;
  }
}

/**
 * Kinds of messages that were met before: of one type, with the same members in the same order and the same white space. One
 * that comes again need not be parsed into an object; what is unusual in it (escapes, text beyond ASCII, long numbers, a value
 * that the schema refuses) is left to the parser, so that it alone refuses a message. Holds names of declared members only.
 */
export class KnownMessages {
  readonly #tree = new LayoutTree<KnownLayout>();
  readonly #known = new KnownMessage();
  readonly #credit = new LearningCredit();

  constructor(private readonly fields: FieldClasses) {}

  /** The message, which is overwritten by the next; undefined when it is of no known kind. */
  match(bytes: Uint8Array): KnownMessage | undefined {
    if (bytes.length > MESSAGE_BYTES_MAX) return undefined;
    const known = this.#known;
    const { message, leaves } = known;
    message.enter(bytes);
    const layout = this.#tree.match(message, leaves);
    if (layout === undefined) return undefined;
    const kind = kindAmong(layout.kinds, message, leaves);
    if (kind === undefined) return undefined;
    known.kind = kind;
    known.places = layout.places;
    if (!isSound(known)) return undefined;
    const { read } = kind;
    for (let i = 0; i < read.length; i++) known.values[read[i] as number] = known.original(read[i] as number);
    this.#credit.hit();
    return known;
  }

  /** Lets go of the memory in which the last messages lie. */
  leave(): void {
    this.#known.message.leave();
  }

  /** Takes up the kind of a message that a parser has read as this event, and that may enter the log. */
  learn(bytes: Uint8Array, event: ProtegoEvent): void {
    if (bytes.length > MESSAGE_BYTES_MAX || !this.#credit.miss()) return;
    const plan = this.fields.planOf(event.type);
    const shape = plan && shapeOf(event, plan);
    if (plan === undefined || shape === undefined || shape.texts.length > 0) return;
    const layout = messageLayoutOf(bytes, SHAPE_LEAVES_MAX);
    // A member that is there twice, or that the parser puts elsewhere, has no place.
    const isAsParsed =
      layout?.paths.length === shape.leaves.length &&
      shape.leaves.every(({ path }, at) => isSamePath(path, layout.paths[at] as readonly string[]));
    if (layout === undefined || !isAsParsed) return;
    const kind = kindOf(event, plan, shape);
    if (kind === undefined) return;
    const { message, leaves } = this.#known;
    message.enter(bytes);
    const known = this.#tree.match(message, leaves);
    if (known === undefined) this.#tree.add(layout, { places: placesOf(shape), kinds: [kind] });
    else if (known.kinds.length < TYPES_A_LAYOUT_MAX && !known.kinds.some((each) => isSameKind(each, kind)))
      known.kinds.push(kind);
  }
}

function kindAmong(
  kinds: readonly MessageKind[],
  { view }: MessageBytes,
  { starts, ends }: MessageLeaves,
): MessageKind | undefined {
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i] as MessageKind;
    if (kind.constants.every(({ at, bytes }) => isAt(view, starts[at] as number, ends[at] as number, bytes)))
      return kind;
  }
  return undefined;
}

function isAt(view: DataView, start: number, end: number, expected: DataView): boolean {
  return end - start === expected.byteLength && areWordsAt(view, start, expected);
}

/** True when all that is asked of the form can be seen to be so. */
function isSound({ kind, message, leaves }: KnownMessage): boolean {
  const { checks, open } = kind;
  const { bytes } = message;
  for (let i = 0; i < checks.length; i++) if (!passesCheck(checks[i] as LeafCheck, bytes, leaves)) return false;
  // It may read as one of our placeholders.
  for (let i = 0; i < open.length; i++) {
    const at = open[i] as number;
    if (leaves.kinds[at] === TEXT && bytes[(leaves.starts[at] as number) + 1] === TILDE) return false;
  }
  return true;
}

function kindOf(event: ProtegoEvent, plan: FieldPlan, shape: EventShape): MessageKind | undefined {
  const schema = eventRegistry.resolve(event.type, event.dataschema).dataSchema;
  const checks: LeafCheck[] = [];
  const constants: Constant[] = [];
  for (const { at, path } of shape.leaves) {
    const [name, ...inner] = path as [string, ...string[]];
    if (inner.length === 0 && CONSTANT_MEMBERS.includes(name)) {
      const value = (event as unknown as Readonly<Record<string, unknown>>)[name];
      constants.push({ at, bytes: viewOf(Uint8Array.from(Buffer.from(JSON.stringify(value)))) });
      continue;
    }
    const check = name === 'data' ? leafCheckOf(schema, inner, at) : envelopeCheck(name, inner, at);
    if (check === undefined) return undefined;
    if (check !== 'none') checks.push(check);
  }
  const read = new Set([...shape.identities.map(({ at }) => at), ...shape.names]);
  return { type: event.type, plan, shape, constants, checks, open: shape.open, read: [...read] };
}

function envelopeCheck(name: string, inner: readonly string[], at: number): LeafCheck | 'none' {
  const isMember = inner.length === 0 && Object.hasOwn(ENVELOPE_MEMBERS, name);
  if (!isMember) return 'none';
  return textCheck(at, 1, Number(ENVELOPE_MEMBERS[name]?.['maxLength'] ?? FORM_LENGTH_MAX));
}

function placesOf({ leaves }: EventShape): EnvelopePlaces {
  const placeOf = (pointer: string): number => leaves.findIndex((each) => each.pointer === pointer);
  return {
    id: placeOf('/id'),
    source: placeOf('/source'),
    site: placeOf('/site'),
    time: placeOf('/time'),
    arrivedat: placeOf('/arrivedat'),
  };
}

function isSameKind(a: MessageKind, b: MessageKind): boolean {
  return a.constants.every(({ bytes }, i) => isAt(bytes, 0, bytes.byteLength, (b.constants[i] as Constant).bytes));
}

function isSamePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, i) => key === b[i]);
}
