import { ProtegoError, parseRfc3339Ms, type ActivityLabel } from '@protego/contracts';

/** What is asked of a finding to say which activities it is about. */
export interface LabelledFinding {
  /** Half-open window in event time, milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly entities: readonly { readonly kind: string; readonly id: string }[];
  /** Events that it rests on. */
  readonly events: Iterable<{ readonly source: string; readonly id: string }>;
}

/** So long after its end an activity is still found in time by a finding that names who or what took part. */
export const AFTERMATH_MS = 3_600_000;

interface Span<Label> {
  readonly label: Label;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * Says which activities a finding belongs to: those of which one of its events is part, and those of which it names an entity,
 * by kind and name, while its window overlaps the time from their first event to {@link AFTERMATH_MS} after the last.
 */
export class LabelIndex<Label extends ActivityLabel> {
  readonly #byEvent = new Map<string, Span<Label>[]>();
  readonly #byEntity = new Map<string, Span<Label>[]>();

  /**
   * @param namesOf - names by which an entity of a label goes in findings, such as the tokens of a person; itself by default
   * @throws ProtegoError `LABELS_INVALID` for a time that is none
   */
  constructor(labels: readonly Label[], namesOf: (id: string) => readonly string[] = (id) => [id]) {
    for (const label of labels) {
      const span = { label, startMs: msOf(label.startsAt), endMs: msOf(label.endsAt) };
      for (const { source, id } of label.eventIds) add(this.#byEvent, keyOf(source, id), span);
      for (const { kind, id } of label.entities)
        for (const name of namesOf(id)) add(this.#byEntity, keyOf(kind, name), span);
    }
  }

  /** The activities, each once. */
  ownersOf({ events, entities, startMs, endMs }: LabelledFinding): Label[] {
    const owners = new Set<Label>();
    for (const { source, id } of events)
      for (const { label } of this.#byEvent.get(keyOf(source, id)) ?? []) owners.add(label);
    for (const { kind, id } of entities)
      for (const span of this.#byEntity.get(keyOf(kind, id)) ?? [])
        if (startMs <= span.endMs + AFTERMATH_MS && endMs > span.startMs) owners.add(span.label);
    return [...owners];
  }
}

/**
 * Reads the lines of a `labels.ndjson`.
 *
 * @throws ProtegoError `LABELS_INVALID` with the line
 */
export function parseLabels(text: string): ActivityLabel[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, at) => {
    const label = objectOf(line);
    if (label !== undefined && isLabel(label)) return label;
    throw new ProtegoError('LABELS_INVALID', `line ${at + 1} of the labels is no label`, { line: at + 1 });
  });
}

function objectOf(line: string): Partial<ActivityLabel> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === 'object' ? value : undefined;
  } catch {
    // Its number is all that the caller says of a line: it may hold names.
    return undefined;
  }
}

function isLabel(label: Partial<ActivityLabel>): label is ActivityLabel {
  const { id, attack, activity, kind, startsAt, endsAt, detectableAt } = label;
  return (
    [id, attack, activity].every((text) => typeof text === 'string') &&
    (kind === 'attack' || kind === 'benign-twin') &&
    [startsAt, endsAt].every(isTime) &&
    (detectableAt === null || isTime(detectableAt)) &&
    areNames(label.eventIds, 'source') &&
    areNames(label.entities, 'kind')
  );
}

const isTime = (value: unknown): boolean => typeof value === 'string' && parseRfc3339Ms(value) !== undefined;

function areNames(value: unknown, member: string): boolean {
  if (!Array.isArray(value)) return false;
  return value.every((item: unknown) => {
    const fields = item as Readonly<Record<string, unknown>> | null;
    return typeof fields?.[member] === 'string' && typeof fields['id'] === 'string';
  });
}

function add<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else if (known.at(-1) !== value) known.push(value);
}

const keyOf = (first: string, second: string): string => `${first}\n${second}`;

function msOf(text: string): number {
  const ms = parseRfc3339Ms(text);
  if (ms === undefined) throw new ProtegoError('LABELS_INVALID', `a label has the time \`${text.slice(0, 64)}\``);
  return ms;
}
