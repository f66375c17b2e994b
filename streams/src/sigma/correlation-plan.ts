import { canonicalJson } from '@protego/contracts';
import type { Pseudonymise } from '../pseudonyms';
import { isTemporal, measuresNumbers, type SigmaCorrelation } from './correlation';
import type { LinkedCorrelation } from './correlation-links';
import type { CorrelationHit } from './correlator';
import { fieldValue, type SigmaRecord } from './record';
import type { SigmaRule } from './rule';

/** What one event brings to one correlation; plain data, so that it can wait and be written down. */
export interface PlannedHit extends CorrelationHit {
  /** Place of the correlation in the plan. */
  readonly correlation: number;
  /** Values by name that the words of the correlation speak of, and that correlations over it ask for. */
  readonly texts: Readonly<Record<string, string>>;
}

/** A correlation that is about a rule, or about another correlation. */
export interface MemberPlace {
  /** Place of the correlation in the plan. */
  readonly correlation: number;
  /** Place of the rule among its members. */
  readonly member: number;
}

/** Reads the text of a field; undefined where it is missing, no scalar, or must not be used. */
type ReadText = (field: string) => string | undefined;

interface Planned extends LinkedCorrelation {
  /** Names whose values firings carry on. */
  readonly texts: readonly string[];
  readonly parents: readonly MemberPlace[];
}

/** Text that spells a number, as in comparisons of rules. */
const NUMBER_TEXT = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const NO_PLACES: readonly MemberPlace[] = [];
const NO_MEMBERS: readonly number[] = [];

/** How correlations, in the order in which they were linked, take in events and each other. Immutable. */
export class CorrelationPlan {
  /** Correlations by their place. */
  readonly correlations: readonly SigmaCorrelation[];
  readonly #planned: readonly Planned[];
  readonly #placesOfRule = new Map<SigmaRule, MemberPlace[]>();
  readonly #silent = new Set<SigmaRule | SigmaCorrelation>();

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
  ): PlannedHit[] {
    const hits: PlannedHit[] = [];
    const read: ReadText = (field) => {
      const text = scalarText(fieldValue(record, field));
      return text === undefined || isLost(field) ? undefined : pseudonymise(text);
    };
    for (const rule of rules)
      for (const place of this.placesOf(rule)) {
        const hit = this.#hitOf(place, read);
        if (hit !== undefined) mergeHit(hits, hit);
      }
    return hits;
  }

  /** What a firing brings to a correlation over it: its group by name, and what its last event brought. */
  hitOfFiring(
    place: MemberPlace,
    group: Readonly<Record<string, string>>,
    texts: Readonly<Record<string, string>>,
  ): PlannedHit | undefined {
    return this.#hitOf(place, (name) => ownText(group, name) ?? ownText(texts, name));
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

  #hitOf({ correlation: place, member }: MemberPlace, read: ReadText): PlannedHit | undefined {
    const planned = this.#of(place);
    const { correlation } = planned;
    const group = textsOf(planned, member, correlation.groupBy, read);
    if (group === undefined) return undefined;
    const value = valueOf(planned, member, read);
    if (value === undefined) return undefined;
    const texts: Record<string, string> = {};
    for (const name of planned.texts) {
      const text = read(fieldOf(planned, member, name));
      if (text !== undefined) defineText(texts, name, text);
    }
    const members = isTemporal(correlation.type) ? [member] : NO_MEMBERS;
    return { correlation: place, key: canonicalJson(group), value, members, texts };
  }
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
    hits[same] = { ...known, members, texts: { ...hit.texts, ...known.texts } };
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

function textsOf(
  planned: Planned,
  member: number,
  names: readonly string[],
  read: ReadText,
): readonly string[] | undefined {
  const texts: string[] = [];
  for (const name of names) {
    const text = read(fieldOf(planned, member, name));
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

function valueOf(planned: Planned, member: number, read: ReadText): CorrelationHit['value'] | undefined {
  const { correlation } = planned;
  if (correlation.fields.length === 0) return null;
  const texts = textsOf(planned, member, correlation.fields, read);
  if (texts === undefined) return undefined;
  const [text = ''] = texts;
  if (measuresNumbers(correlation)) return numberOf(text);
  return texts.length === 1 ? text : canonicalJson(texts);
}

function numberOf(text: string): number | undefined {
  const value = NUMBER_TEXT.test(text) ? Number(text) : Number.NaN;
  // Zero has one sign only where it is compared, and written down.
  return Number.isFinite(value) ? value + 0 : undefined;
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function ownText(texts: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(texts, name) ? texts[name] : undefined;
}

// Assigning would set the prototype where the name is `__proto__`.
function defineText(texts: Record<string, string>, name: string, text: string): void {
  Object.defineProperty(texts, name, { value: text, enumerable: true, configurable: true, writable: true });
}
