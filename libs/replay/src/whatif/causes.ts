import type { SigmaCorrelation, SigmaRule } from '@protego/streams';
import {
  KNOWLEDGE_KEY,
  PLACEHOLDERS_KEY,
  SOURCES_KEY,
  type ArtefactSide,
  type DocumentChange,
} from './document-changes';
import { compareText } from '../text-order';

/** Documents that may change what any rule or detector finds. */
const EVERYWHERE: ReadonlySet<string> = new Set([SOURCES_KEY, KNOWLEDGE_KEY]);

type Member = SigmaRule | SigmaCorrelation;

/**
 * Says which of the documents that differ can be why the findings of a rule differ: the rule itself, the filters that apply
 * to it, what a correlation is about, all the way down, what is declared for the placeholders in any of these, and the
 * declarations of sources, which time everything, and what is known of the house. Where a rule raises on one side only, because a correlation takes what it
 * finds on the other, that correlation too.
 */
export class Causes {
  readonly #changed: readonly DocumentChange[];
  readonly #placeholders: ReadonlySet<string>;
  readonly #sides: readonly Reach[];
  readonly #known = new Map<string, readonly string[]>();

  constructor(baseline: ArtefactSide, candidate: ArtefactSide, changes: readonly DocumentChange[]) {
    this.#changed = changes;
    const places = changes.find(({ key }) => key === PLACEHOLDERS_KEY)?.values ?? [];
    this.#placeholders = new Set(places.flatMap(({ path }) => path[0] ?? []));
    this.#sides = [new Reach(baseline), new Reach(candidate)];
  }

  /** Keys of documents, in their order. */
  of(makerId: string): readonly string[] {
    const known = this.#known.get(makerId);
    if (known !== undefined) return known;
    const below = this.#sides.map((side) => side.below(makerId));
    const takers = this.#sides.map((side) => side.takersOf(makerId));
    const isOneSided = (takers[0]?.length === 0) !== (takers[1]?.length === 0);
    const above = isOneSided
      ? this.#sides.flatMap((side, at) => takers[at]?.flatMap((id) => side.below(id)) ?? [])
      : [];
    const reached = new Set([...below.flat(), ...above]);
    const causes = this.#changed.filter(({ id, key }) => reached.has(id) || EVERYWHERE.has(key)).map(({ key }) => key);
    const isExpanded = this.#sides.some((side, at) =>
      side.placeholdersOf(below[at] ?? []).some((name) => this.#placeholders.has(name)),
    );
    if (isExpanded) causes.push(PLACEHOLDERS_KEY);
    const inOrder = [...new Set(causes)].sort(compareText);
    this.#known.set(makerId, inOrder);
    return inOrder;
  }
}

/** What hangs on what in one set of artefacts. */
class Reach {
  readonly #documents = new Map<string, Member[]>();
  readonly #members = new Map<Member, readonly Member[]>();
  readonly #takers = new Map<string, string[]>();
  readonly #placeholders = new Map<string, string[]>();

  constructor({ rules: { rules, linked }, contents }: ArtefactSide) {
    for (const rule of rules) add(this.#documents, rule.id, rule);
    for (const { correlation, members } of linked) {
      add(this.#documents, correlation.id, correlation);
      this.#members.set(correlation, members);
      if (!correlation.generate) for (const member of members) add(this.#takers, member.id, correlation.id);
    }
    for (const { id, placeholders } of contents)
      for (const placeholder of placeholders) add(this.#placeholders, id, placeholder);
  }

  /** Ids of a document and of all that it rests on. */
  below(id: string): string[] {
    const found = new Set<string>([id]);
    const open: Member[] = [...(this.#documents.get(id) ?? [])];
    for (let document = open.pop(); document !== undefined; document = open.pop()) {
      found.add(document.id);
      if (document.kind === 'rule') for (const filter of document.filters ?? []) found.add(filter.id);
      open.push(...(this.#members.get(document) ?? []));
    }
    return [...found];
  }

  /** Correlations that keep a document from raising detections of its own. */
  takersOf(id: string): readonly string[] {
    return this.#takers.get(id) ?? [];
  }

  placeholdersOf(ids: readonly string[]): string[] {
    return ids.flatMap((id) => this.#placeholders.get(id) ?? []);
  }
}

function add<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}
