import type { Pseudonymise } from '../pseudonyms';
import { isTemporal, measuresNumbers, type SigmaCorrelation } from './correlation';
import type { LinkedCorrelation } from './correlation-links';
import type { CorrelationHit } from './correlator';
import { RecordTexts, keyOf, type FieldTexts } from './record-texts';
import type { SigmaRecord } from './record';
import type { SigmaRule } from './rule';

/** What one event brings to one correlation; plain data, so that it can wait and be written down. */
export interface PlannedHit extends CorrelationHit {
  /** Place of the correlation in the plan. */
  readonly correlation: number;
  /**
   * Values that the words of the correlation speak of, and that correlations over it ask for, in the order of their names
   * ({@link CorrelationPlan.textsByName}); null where the event has none.
   */
  readonly texts: readonly (string | null)[];
}

/** A correlation that is about a rule, or about another correlation. */
export interface MemberPlace {
  /** Place of the correlation in the plan. */
  readonly correlation: number;
  /** Place of the rule among its members. */
  readonly member: number;
}

interface Planned extends LinkedCorrelation {
  /** Names whose values firings carry on. */
  readonly texts: readonly string[];
  readonly parents: readonly MemberPlace[];
}

/** Fields of a member's events, by number: what its events are grouped by, what is measured, and what is carried on. */
interface MemberFields {
  /** Number of the list of fields. */
  readonly grouping: number;
  readonly measured: readonly number[];
  readonly texts: readonly number[];
}

/** Text that spells a number, as in comparisons of rules. */
const NUMBER_TEXT = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const NO_PLACES: readonly MemberPlace[] = [];
const NO_MEMBERS: readonly number[] = [];
const NO_HITS: readonly PlannedHit[] = [];

/** How correlations, in the order in which they were linked, take in events and each other. What it answers never changes. */
export class CorrelationPlan {
  /** Correlations by their place. */
  readonly correlations: readonly SigmaCorrelation[];
  readonly #planned: readonly Planned[];
  readonly #placesOfRule = new Map<SigmaRule, MemberPlace[]>();
  readonly #silent = new Set<SigmaRule | SigmaCorrelation>();
  /** Names of fields by their number. */
  readonly #fieldNames: string[] = [];
  /** Lists of fields that events are grouped by, by their number. */
  readonly #groupings: (readonly number[])[] = [];
  /** By place of the correlation and place of the member. */
  readonly #fieldsOf: readonly (readonly MemberFields[])[];
  readonly #texts: RecordTexts;

  /**
   * @param linked - each after those that it is about
   * @param wordsOf - names of the values that the words of a correlation speak of
   */
  constructor(linked: readonly LinkedCorrelation[], wordsOf: (correlation: SigmaCorrelation) => readonly string[]) {
    const parents = linked.map((): MemberPlace[] => []);
    const placeOf = new Map(linked.map(({ correlation }, place) => [correlation, place]));
    linked.forEach(({ correlation, members }, place) => {
      members.forEach((document, member) => {
        if (!correlation.generate) this.#silent.add(document);
        const places = document.kind === 'rule' ? this.#placesOf(document) : parents[placeOf.get(document) ?? -1];
        places?.push({ correlation: place, member });
      });
    });
    const wanted: Planned[] = [];
    // Backwards: what a correlation has to carry on, those over it say.
    for (let place = linked.length - 1; place >= 0; place--) {
      const one = linked[place] as LinkedCorrelation;
      const above = parents[place] as MemberPlace[];
      const asked = above.flatMap(({ correlation, member }) => fieldsAskedOf(wanted[correlation] as Planned, member));
      wanted[place] = { ...one, parents: above, texts: [...new Set([...wordsOf(one.correlation), ...asked])] };
    }
    this.#planned = wanted;
    this.correlations = linked.map(({ correlation }) => correlation);
    this.#fieldsOf = wanted.map((planned) => planned.members.map((_, member) => this.#memberFields(planned, member)));
    this.#texts = new RecordTexts(this.#fieldNames, this.#groupings);
  }

  /** True for a rule or correlation that raises detections of its own: no correlation over it takes them for itself. */
  raises(document: SigmaRule | SigmaCorrelation): boolean {
    return !this.#silent.has(document);
  }

  /** Correlations that matches of a rule go into. */
  placesOf(rule: SigmaRule): readonly MemberPlace[] {
    return this.#placesOfRule.get(rule) ?? NO_PLACES;
  }

  /** Correlations that firings of a correlation go into. */
  parentsOf(place: number): readonly MemberPlace[] {
    return this.#of(place).parents;
  }

  /** Fields of a member's events that decide whether, and how, they count. */
  fieldsReadOf({ correlation, member }: MemberPlace): string[] {
    const planned = this.#of(correlation);
    const { groupBy, fields } = planned.correlation;
    return [...groupBy, ...fields].map((name) => fieldOf(planned, member, name));
  }

  /**
   * What an event that matched rules brings in, by place of the correlation. It counts once in a group, whichever of the
   * rules matched; with several members' fields under one alias it counts in the group of each.
   *
   * @param pseudonymise - what every value goes through: state and results must not hold what can be erased
   * @param isLost - true for a field whose value was erased, so that nobody can say any more what it was
   */
  hitsOf(
    rules: readonly SigmaRule[],
    record: SigmaRecord,
    pseudonymise: Pseudonymise,
    isLost: (field: string) => boolean,
  ): readonly PlannedHit[] {
    let hits: PlannedHit[] | undefined;
    const texts = this.#texts;
    texts.load(record, pseudonymise, isLost);
    for (const rule of rules)
      for (const place of this.placesOf(rule)) {
        const hit = this.#hitOf(place, texts);
        if (hit === undefined) continue;
        if (hits === undefined) hits = [hit];
        else mergeHit(hits, hit);
      }
    return hits ?? NO_HITS;
  }

  /** What a firing of `child` brings to a correlation over it: its group by name, and what its last event brought. */
  hitOfFiring(
    place: MemberPlace,
    child: number,
    group: Readonly<Record<string, string>>,
    texts: PlannedHit['texts'],
  ): PlannedHit | undefined {
    const carried = this.textsByName(child, texts);
    const of = (field: number): string | undefined => {
      const name = this.#fieldNames[field] as string;
      return ownText(group, name) ?? ownText(carried, name);
    };
    return this.#hitOf(place, { of, keyOf: (grouping) => keyOf(this.#groupings[grouping] as readonly number[], of) });
  }

  /** Texts of a hit under their names; without those that the event had none for. */
  textsByName(place: number, texts: PlannedHit['texts']): Readonly<Record<string, string>> {
    const names = this.#of(place).texts;
    return Object.fromEntries(
      names.flatMap((name, i) => {
        const text = texts[i];
        return typeof text === 'string' ? [[name, text]] : [];
      }),
    );
  }

  #placesOf(rule: SigmaRule): MemberPlace[] {
    const known = this.#placesOfRule.get(rule);
    if (known !== undefined) return known;
    const places: MemberPlace[] = [];
    this.#placesOfRule.set(rule, places);
    return places;
  }

  #of(place: number): Planned {
    return this.#planned[place] as Planned;
  }

  #memberFields(planned: Planned, member: number): MemberFields {
    const fieldsOf = (names: readonly string[]): number[] =>
      names.map((name) => numberIn(this.#fieldNames, fieldOf(planned, member, name), (a, b) => a === b));
    const { groupBy, fields } = planned.correlation;
    const grouping = numberIn(this.#groupings, fieldsOf(groupBy), (a, b) => a.join() === b.join());
    return { grouping, measured: fieldsOf(fields), texts: fieldsOf(planned.texts) };
  }

  #hitOf({ correlation: place, member }: MemberPlace, read: FieldTexts): PlannedHit | undefined {
    const { correlation } = this.#of(place);
    const fields = this.#fieldsOf[place]?.[member] as MemberFields;
    const key = read.keyOf(fields.grouping);
    if (key === undefined) return undefined;
    const value = valueOf(correlation, fields.measured, read);
    if (value === undefined) return undefined;
    const texts: (string | null)[] = [];
    for (let i = 0; i < fields.texts.length; i++) texts.push(read.of(fields.texts[i] as number) ?? null);
    const members = isTemporal(correlation.type) ? [member] : NO_MEMBERS;
    return { correlation: place, key, value, members, texts };
  }
}

/** Number of an item in a list, to which it is added where it is missing. */
function numberIn<T>(list: T[], item: T, isSame: (a: T, b: T) => boolean): number {
  const known = list.findIndex((each) => isSame(each, item));
  return known >= 0 ? known : list.push(item) - 1;
}

/** Puts a hit among those of one event, in the order of places; the same group and value of one correlation once. */
export function mergeHit(hits: PlannedHit[], hit: PlannedHit, from = 0): void {
  let at = hits.length;
  while (at > from && (hits[at - 1] as PlannedHit).correlation > hit.correlation) at--;
  for (let same = at - 1; same >= from; same--) {
    const known = hits[same] as PlannedHit;
    if (known.correlation !== hit.correlation) break;
    if (known.key !== hit.key || known.value !== hit.value) continue;
    const members = [...new Set([...known.members, ...hit.members])];
    hits[same] = { ...known, members, texts: known.texts.map((text, i) => text ?? hit.texts[i] ?? null) };
    return;
  }
  hits.splice(at, 0, hit);
}

function fieldOf({ fieldsOf }: LinkedCorrelation, member: number, name: string): string {
  return fieldsOf[member]?.[name] ?? name;
}

/** Names that a correlation asks its member for. */
function fieldsAskedOf(planned: Planned, member: number): string[] {
  const { groupBy, fields } = planned.correlation;
  return [...groupBy, ...fields, ...planned.texts].map((name) => fieldOf(planned, member, name));
}

function valueOf(
  correlation: SigmaCorrelation,
  fields: readonly number[],
  read: FieldTexts,
): CorrelationHit['value'] | undefined {
  if (fields.length === 0) return null;
  if (fields.length > 1) return keyOf(fields, (field) => read.of(field));
  const text = read.of(fields[0] as number);
  return text !== undefined && measuresNumbers(correlation) ? numberOf(text) : text;
}

function numberOf(text: string): number | undefined {
  const value = NUMBER_TEXT.test(text) ? Number(text) : Number.NaN;
  // Zero has one sign only where it is compared, and written down.
  return Number.isFinite(value) ? value + 0 : undefined;
}

function ownText(texts: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(texts, name) ? texts[name] : undefined;
}
