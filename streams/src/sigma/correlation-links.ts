import type { CorrelationReferences, SigmaCorrelation, SigmaReference } from './correlation';
import { addTo, hashOf } from './filter';
import { quote, warningAt, type SigmaProblem } from './problem';
import type { SigmaRule } from './rule';

/** What a correlation can be about. */
export type CorrelationMember = SigmaRule | SigmaCorrelation;

/** A correlation whose references were followed. */
export interface LinkedCorrelation {
  readonly correlation: SigmaCorrelation;
  /** In the order of `ruleRefs`. */
  readonly members: readonly CorrelationMember[];
  /** Per member, alias → field of its events. */
  readonly fieldsOf: readonly Readonly<Record<string, string>>[];
}

/** A correlation as it was read. */
export interface UnlinkedCorrelation {
  readonly document: SigmaCorrelation;
  readonly references: CorrelationReferences;
}

/** Deepest chain of correlations over correlations. */
export const CHAIN_DEPTH_MAX = 16;
/** Longest circle that a message spells out. */
const CIRCLE_NAMES_MAX = 8;
/** How far a chain is followed that has no end in reach. */
const WALK_MAX = 64;

const CODE = 'SIGMA_CORRELATION_INVALID';

/**
 * Follows the references of correlations to rules and to each other. Those that refer to what does not exist, to one that
 * was refused, or to each other in a circle become problems. The result stands in the order in which results must be made:
 * a correlation after those that it is about, else in the given order. Where a member rule is filtered, the correlation's
 * content hash covers the hashes of its members.
 */
export function linkCorrelations(
  rules: readonly SigmaRule[],
  read: readonly UnlinkedCorrelation[],
): { linked: LinkedCorrelation[]; problems: SigmaProblem[]; warnings: SigmaProblem[] } {
  const linker = new Linker(rules, read);
  const linked = linker.linkAll();
  return { linked, problems: linker.problems, warnings: linker.warnings };
}

interface Pending extends UnlinkedCorrelation {
  readonly targets: readonly CorrelationMember[];
}

class Linker {
  readonly problems: SigmaProblem[] = [];
  readonly warnings: SigmaProblem[] = [];
  readonly #read: readonly UnlinkedCorrelation[];
  readonly #byId = new Map<string, CorrelationMember[]>();
  readonly #byName = new Map<string, CorrelationMember[]>();
  readonly #linked = new Map<SigmaCorrelation, LinkedCorrelation>();

  constructor(rules: readonly SigmaRule[], read: readonly UnlinkedCorrelation[]) {
    this.#read = read;
    for (const document of [...rules, ...read.map((one) => one.document)]) {
      addTo(this.#byId, document.id, document);
      if (document.name !== undefined) addTo(this.#byName, document.name, document);
    }
  }

  linkAll(): LinkedCorrelation[] {
    const order: LinkedCorrelation[] = [];
    let pending = this.#read.flatMap((one) => this.#resolved(one) ?? []);
    for (let depth = 1; pending.length > 0 && depth <= CHAIN_DEPTH_MAX; depth++) {
      const waiting = new Set<CorrelationMember>(pending.map(({ document }) => document));
      const ready = pending.filter(({ targets }) => !targets.some((target) => waiting.has(target)));
      if (ready.length === 0) break;
      // One is linked only after all of its depth were chosen, so that the depth is that of the chain.
      for (const one of ready) order.push(...this.#link(one));
      const done = new Set(ready);
      pending = pending.filter((one) => !done.has(one));
    }
    for (const one of pending) this.#refuseWaiting(one, pending);
    return order;
  }

  #resolved({ document, references }: UnlinkedCorrelation): Pending | undefined {
    const targets: CorrelationMember[] = [];
    for (const reference of references.members) {
      const target = this.#find(reference, document, this.warnings);
      if (target === undefined) return this.#refuse(document, reference, 'does not exist or was refused');
      const twin = targets.indexOf(target);
      if (twin >= 0)
        return this.#refuse(document, reference, `is the same rule as ${quote(references.members[twin]?.ref ?? '')}`);
      targets.push(target);
    }
    for (const reference of references.aliased) {
      const target = this.#find(reference, document);
      if (target === undefined || !targets.includes(target))
        return this.#refuse(document, reference, 'has an alias, but is not in `rules`');
    }
    return { document, references, targets };
  }

  // A file that brings its own building blocks means those; an id says more exactly than a name which one.
  #find(
    { ref, at }: SigmaReference,
    { path }: SigmaCorrelation,
    warnings: SigmaProblem[] = [],
  ): CorrelationMember | undefined {
    const known = [this.#byId.get(ref) ?? [], this.#byName.get(ref) ?? []];
    const near = known.map((documents) => documents.filter((document) => document.path === path));
    const [first, ...others] = [...near, ...known].find((documents) => documents.length > 0) ?? [];
    if (others.length > 0) warnings.push(warningAt(CODE, `${quote(ref)} names several rules; the first is taken`, at));
    return first;
  }

  #link({ document, references, targets }: Pending): LinkedCorrelation[] {
    const members: CorrelationMember[] = [];
    for (const [index, target] of targets.entries()) {
      const member = target.kind === 'rule' ? target : this.#linked.get(target)?.correlation;
      if (member === undefined) {
        this.#refuse(document, references.members[index] as SigmaReference, 'is a correlation that was refused');
        return [];
      }
      members.push(member);
    }
    const isFiltered = members.some((member, index) => {
      return member.kind === 'rule' ? member.filters !== undefined : member !== targets[index];
    });
    const contentHash = isFiltered
      ? hashOf({ correlation: document.contentHash, members: members.map((member) => member.contentHash) })
      : document.contentHash;
    const correlation = isFiltered ? { ...document, contentHash } : document;
    const fieldsOf = targets.map((target) => this.#fieldsOf(document, target));
    const linked = { correlation, members, fieldsOf };
    this.#linked.set(document, linked);
    return [linked];
  }

  #fieldsOf(correlation: SigmaCorrelation, member: CorrelationMember): Record<string, string> {
    const fields = Object.create(null) as Record<string, string>;
    for (const [alias, fieldOf] of Object.entries(correlation.aliases))
      for (const [ref, field] of Object.entries(fieldOf)) {
        const names = [this.#byId.get(ref), this.#byName.get(ref)].flatMap((documents) => documents ?? []);
        if (names.includes(member)) fields[alias] = field;
      }
    return fields;
  }

  // What still waits refers to itself, to such a one, or stands beyond the depth.
  #refuseWaiting(one: Pending, pending: readonly Pending[]): void {
    const byDocument = new Map<CorrelationMember, Pending>(pending.map((other) => [other.document, other]));
    const names: string[] = [];
    let at: Pending | undefined = one;
    let reference: SigmaReference | undefined;
    const seen = new Set<Pending>();
    while (at !== undefined && !seen.has(at) && seen.size < WALK_MAX) {
      seen.add(at);
      names.push(at.document.name ?? at.document.id);
      const index: number = at.targets.findIndex((target) => byDocument.has(target));
      reference ??= at.references.members[index];
      at = byDocument.get(at.targets[index] as CorrelationMember);
    }
    reference ??= one.references.members[0] as SigmaReference;
    if (at === undefined || !seen.has(at))
      this.#refuse(one.document, reference, `is chained deeper than ${CHAIN_DEPTH_MAX} correlations`);
    else {
      const shown = [...names, at.document.name ?? at.document.id].slice(0, CIRCLE_NAMES_MAX).map(quote).join(' → ');
      this.#refuse(one.document, reference, `leads round in a circle: ${shown}`);
    }
  }

  #refuse({ id }: SigmaCorrelation, { ref, at }: SigmaReference, reason: string): undefined {
    this.problems.push(warningAt(CODE, `correlation ${quote(id)}: rule ${quote(ref)} ${reason}`, at));
    return undefined;
  }
}
