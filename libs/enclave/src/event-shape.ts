import { canonicalJson, isPersonToken, subjectsOfNames, type FieldClasses } from '@protego/contracts';
import { type FieldPlan, type FieldRule, type ProtegoEvent } from '@protego/contracts';
import { viewOf } from './byte-words';
import { type JsonBytes, type JsonTemplate } from './json-bytes';
import { pointerOf } from './event-paths';
import { byPointer, isNobody, type PersonalField, type PersonalFields } from './personal-fields';

/** Most leaves of one shape; an event with more has none. */
export const SHAPE_LEAVES_MAX = 128;
/** Deepest nesting of objects in one shape. */
const SHAPE_DEPTH_MAX = 16;
/** Most bytes of the keys of one shape. */
const SHAPE_FIXED_BYTES_MAX = 8_192;
const NAME_POINTERS = ['/subject', '/data/device/uid', '/data/partner/uid'];

/** An object of a shape: its keys in order, and for each the object below it, or undefined for a leaf. */
export interface ShapeNode {
  readonly keys: readonly string[];
  readonly below: readonly (ShapeNode | undefined)[];
}

/** A place in events of one shape that holds a string, a number, a boolean or null. */
export interface ShapeLeaf {
  /** Place among the values of an event. */
  readonly at: number;
  readonly path: readonly string[];
  /** RFC 6901, from the event's top. */
  readonly pointer: string;
  readonly rule: FieldRule | undefined;
  /** Place of the identity of the person whom this value also names; undefined where there is none. */
  readonly personAt: number | undefined;
}

/**
 * What events of one type with the same keys have in common: which of their values are personal, and the canonical JSON
 * (RFC 8785) around them. Values are numbered from 0 in the order in which the members stand in the event.
 */
export interface EventShape extends JsonTemplate {
  readonly root: ShapeNode;
  /** All of them, by place. */
  readonly leaves: readonly ShapeLeaf[];
  /** Places of values that may stay as they are. */
  readonly open: readonly number[];
  /** Places of identities, by pointer. */
  readonly identities: readonly ShapeLeaf[];
  /** Places of free text, by pointer. */
  readonly texts: readonly ShapeLeaf[];
  /** Places of the names of subject, device and partner. */
  readonly names: readonly number[];
  /** Places in `data` that are not open: only there can tokens of persons stand. */
  readonly closed: readonly number[];
}

/**
 * The shape of an event; undefined for one that has none: with arrays, empty objects, undeclared members, very many members,
 * or keys that cannot be set by plain assignment.
 */
export function shapeOf(event: ProtegoEvent, plan: FieldPlan): EventShape | undefined {
  return new ShapeReader().shapeOf(event, plan);
}

/** The personal fields among the values of an event, as `collectPersonalFields` finds them. */
export function personalFieldsOf(shape: EventShape, values: readonly unknown[], fields: FieldClasses): PersonalFields {
  const identities: PersonalField[] = [];
  const texts: PersonalField[] = [];
  for (const { at, path, pointer, rule, personAt } of shape.identities) {
    const value = values[at];
    if (rule === undefined || (typeof value !== 'string' && typeof value !== 'number')) continue;
    if (!isNobody(value, rule, fields))
      identities.push({ path, pointer, value, rule, isUndeclared: false, at, personAt });
  }
  for (const { at, path, pointer, rule } of shape.texts) {
    const value = values[at];
    const isText = typeof value === 'number' || (typeof value === 'string' && value !== '');
    if (isText) texts.push({ path, pointer, value, rule, isUndeclared: false, at, personAt: undefined });
  }
  return { identities, texts };
}

/** Writes the event of a shape with these values as canonical JSON. */
export function writeShaped(shape: EventShape, values: readonly unknown[], out: JsonBytes): void {
  out.template(shape, values);
}

/** Names under which the record is found of an event that is stored with these values. */
export function subjectsOfShaped({ names, closed }: EventShape, values: readonly unknown[]): string[] {
  const tokens: string[] = [];
  for (let i = 0; i < closed.length; i++) {
    const value = values[closed[i] as number];
    if (typeof value === 'string' && isPersonToken(value)) tokens.push(value);
  }
  const named: unknown[] = [];
  for (let i = 0; i < names.length; i++) named.push(values[names[i] as number]);
  return subjectsOfNames(named, tokens);
}

class ShapeReader {
  private readonly leaves: Omit<ShapeLeaf, 'personAt'>[] = [];
  private isSound = true;

  shapeOf(event: ProtegoEvent, plan: FieldPlan): EventShape | undefined {
    const root = this.object(event as unknown as Readonly<Record<string, unknown>>, plan, []);
    if (!this.isSound) return undefined;
    const places = new Map(this.leaves.map(({ pointer, at }) => [pointer, at]));
    const leaves = this.leaves.map((leaf) => {
      const person = leaf.rule?.person;
      return { ...leaf, personAt: person === undefined ? undefined : places.get(pointerOf(person)) };
    });
    const layout = layoutOf(root);
    if (layout.fixed.byteLength > SHAPE_FIXED_BYTES_MAX) return undefined;
    const ofClass = (isWanted: (fieldClass: string) => boolean): ShapeLeaf[] =>
      leaves.filter(({ rule }) => isWanted(rule?.class ?? 'free-text')).sort(byPointer);
    return {
      root,
      leaves,
      open: ofClass((each) => each === 'open').map(({ at }) => at),
      identities: ofClass((each) => each === 'staff' || each === 'patient'),
      texts: ofClass((each) => each === 'free-text'),
      names: NAME_POINTERS.flatMap((name) => leaves.filter(({ pointer }) => pointer === name)).map(({ at }) => at),
      closed: ofClass((each) => each !== 'open')
        .filter(({ path }) => path[0] === 'data')
        .map(({ at }) => at),
      ...layout,
    };
  }

  private object(value: Readonly<Record<string, unknown>>, plan: FieldPlan, path: readonly string[]): ShapeNode {
    const keys = Object.keys(value);
    const isDeclared = plan.members.size > 0 || plan.others !== undefined;
    // A key that the prototype knows might meet a setter.
    const isPlain = !Array.isArray(value) && keys.length > 0 && keys.every((key) => !(key in Object.prototype));
    if (!isDeclared || !isPlain || path.length >= SHAPE_DEPTH_MAX) this.isSound = false;
    const below = this.isSound ? keys.map((key) => this.member(value[key], plan, [...path, key])) : [];
    return { keys, below };
  }

  private member(value: unknown, plan: FieldPlan, path: readonly string[]): ShapeNode | undefined {
    const inner = plan.members.get(path.at(-1) as string) ?? plan.others;
    if (inner === undefined) this.isSound = false;
    else if (typeof value === 'object' && value !== null)
      return this.object(value as Readonly<Record<string, unknown>>, inner, path);
    else this.leaves.push({ at: this.leaves.length, path, pointer: pointerOf(path), rule: inner.rule });
    if (this.leaves.length > SHAPE_LEAVES_MAX) this.isSound = false;
    return undefined;
  }
}

/** Order of the leaves in canonical JSON, and the text between them. */
function layoutOf(root: ShapeNode): JsonTemplate {
  const order: number[] = [];
  const texts: string[] = [];
  let text = '';
  const write = ({ keys, below }: ShapeNode, first: number): void => {
    const firsts = firstLeaves(below, first);
    // Without a comparator, sort orders by UTF-16 code units, as RFC 8785 asks.
    [...keys].sort().forEach((key, i) => {
      const at = keys.indexOf(key);
      const inner = below[at];
      text += `${i === 0 ? '{' : ','}${canonicalJson(key)}:`;
      if (inner !== undefined) return write(inner, firsts[at] as number);
      texts.push(text);
      text = '';
      order.push(firsts[at] as number);
    });
    text += '}';
  };
  write(root, 0);
  const parts = [...texts, text].map((each) => Buffer.from(each));
  let end = 0;
  const fixedEnds = Uint32Array.from(parts, ({ length }) => (end += length));
  return { order, fixed: viewOf(Uint8Array.from(Buffer.concat(parts))), fixedEnds };
}

/** For each member the place of its first leaf. */
function firstLeaves(below: ShapeNode['below'], first: number): number[] {
  let next = first;
  return below.map((node) => {
    const at = next;
    next += leavesIn(node);
    return at;
  });
}

function leavesIn(node: ShapeNode | undefined): number {
  return node === undefined ? 1 : node.below.reduce((sum, each) => sum + leavesIn(each), 0);
}
