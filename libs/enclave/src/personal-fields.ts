import { type FieldClasses, type FieldPlan, type FieldRule, type ProtegoEvent } from '@protego/contracts';
import { pointerOf } from './event-paths';
import { looksLikePlaceholder } from './identity';

/** A value of an event that is to be sealed. */
export interface PersonalField {
  /** Keys and indices from the event's top. */
  readonly path: readonly string[];
  /** RFC 6901, from the event's top. */
  readonly pointer: string;
  readonly value: unknown;
  /** What the declarations say of it; undefined for free text. */
  readonly rule: FieldRule | undefined;
  /** True where the declarations do not name the field: its name is sealed along with the value. */
  readonly isUndeclared: boolean;
  /** Place among the values of the event's shape; undefined when it is sealed without one. */
  readonly at: number | undefined;
  /** Place of the identity that `rule.person` names, among the values of the shape; undefined where there is none. */
  readonly personAt: number | undefined;
}

/** The personal fields of an event, by pointer. */
export interface PersonalFields {
  readonly identities: readonly PersonalField[];
  readonly texts: readonly PersonalField[];
}

interface Collector {
  readonly fields: FieldClasses;
  readonly path: string[];
  readonly identities: PersonalField[];
  readonly texts: PersonalField[];
}

const TILDE = 126;
const EMPTY_PLAN: FieldPlan = { rule: undefined, members: new Map(), others: undefined };

/**
 * Finds the personal fields of an event. `true`, `false`, `null` and empty text tell nothing and stay; so do well-known
 * accounts. Text in an open field that reads as one of our placeholders is sealed as free text, so that nobody can send a
 * token in.
 */
export function collectPersonalFields(event: ProtegoEvent, plan: FieldPlan, fields: FieldClasses): PersonalFields {
  const collector: Collector = { fields, path: [], identities: [], texts: [] };
  collectObject(event as unknown as Readonly<Record<string, unknown>>, plan, collector);
  // By pointer, so that members in another order are still the same event.
  if (collector.identities.length > 1) collector.identities.sort(byPointer);
  if (collector.texts.length > 1) collector.texts.sort(byPointer);
  return collector;
}

function collectObject(value: Readonly<Record<string, unknown>>, plan: FieldPlan, collector: Collector): void {
  const { path } = collector;
  for (const key of Object.keys(value)) {
    const member = value[key];
    const child = plan.members.get(key) ?? plan.others;
    path.push(key);
    if (child === undefined) collectText(member, undefined, collector, true);
    else collectValue(member, child, collector);
    path.pop();
  }
}

function collectValue(value: unknown, plan: FieldPlan, collector: Collector): void {
  if (typeof value === 'string') {
    const fieldClass = plan.rule?.class ?? 'free-text';
    if (fieldClass !== 'open') collectScalar(value, plan.rule, collector);
    else if (value.charCodeAt(0) === TILDE && looksLikePlaceholder(value)) collectText(value, undefined, collector);
  } else if (typeof value === 'number') {
    if (plan.rule?.class !== 'open') collectScalar(value, plan.rule, collector);
  } else if (typeof value === 'object' && value !== null) collectContainer(value, plan, collector);
}

function collectContainer(value: object, plan: FieldPlan, collector: Collector): void {
  const isDeclaredInside = plan.members.size > 0 || plan.others !== undefined;
  if (Array.isArray(value) && (isDeclaredInside || (plan.rule !== undefined && plan.rule.class !== 'free-text'))) {
    value.forEach((item: unknown, index) => {
      collector.path.push(String(index));
      collectValue(item, plan, collector);
      collector.path.pop();
    });
  } else if (isDeclaredInside) collectObject(value as Readonly<Record<string, unknown>>, plan, collector);
  // In an open field, only a value that is no object was declared; its members were not.
  else if (plan.rule?.class === 'open')
    collectObject(value as Readonly<Record<string, unknown>>, EMPTY_PLAN, collector);
  else collectText(value, undefined, collector);
}

function collectScalar(value: string | number, rule: FieldRule | undefined, collector: Collector): void {
  if (rule === undefined || rule.class === 'free-text') return collectText(value, rule, collector);
  if (!isNobody(value, rule, collector.fields)) collector.identities.push(fieldAt(collector.path, value, rule, false));
}

/** True for the value of an identity that is no person: white space alone, or a well-known account. */
export function isNobody(value: string | number, rule: FieldRule, fields: FieldClasses): boolean {
  const name = String(value);
  return name.trim() === '' || (rule.class === 'staff' && fields.isWellKnownAccount(name));
}

function collectText(value: unknown, rule: FieldRule | undefined, collector: Collector, isUndeclared = false): void {
  if (value === undefined) return;
  const tellsNothing = value === '' || value === null || typeof value === 'boolean';
  if (tellsNothing && !isUndeclared) return;
  collector.texts.push(fieldAt(collector.path, value, rule, isUndeclared));
}

function fieldAt(
  path: readonly string[],
  value: unknown,
  rule: FieldRule | undefined,
  isUndeclared: boolean,
): PersonalField {
  return { path: [...path], pointer: pointerOf(path), value, rule, isUndeclared, at: undefined, personAt: undefined };
}

/** Order by pointer, by UTF-16 code units. */
export function byPointer(a: { readonly pointer: string }, b: { readonly pointer: string }): number {
  return a.pointer < b.pointer ? -1 : a.pointer > b.pointer ? 1 : 0;
}
