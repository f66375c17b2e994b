import type { LoggedEvent } from '@protego/contracts';
import { pseudonymiseWith } from './pseudonyms';
import { fieldText, sigmaRecordOf } from './sigma-record';
import type { MemberExpression, SigmaCorrelation } from './sigma/correlation';
import type { CorrelationMember, LinkedCorrelation } from './sigma/correlation-links';
import { lostFieldsOf } from './sigma/erased-fields';

/** A way by which events come into the groups of a correlation: a rule, and the correlations between the two. */
export interface RuleFeed {
  /** The rule, the correlations between, and the correlation itself. */
  readonly documentIds: readonly string[];
  /** Field of the rule's events for each name that is grouped by; undefined where a later event says it. */
  readonly fields: readonly (string | undefined)[];
}

/** How far, and in which way, what one event brings changes what a correlation finds. */
export interface CorrelationReach {
  readonly feeds: readonly RuleFeed[];
  /** Longest time after an event in which a result may hang on it, milliseconds; Infinity where nothing bounds it. */
  readonly reachMs: number;
  /** True where a result that is lost without an event had it among those that contribute. */
  readonly isCounting: boolean;
}

/** Reach of each correlation of linked rules. */
export class CorrelationReaches {
  readonly #linked = new Map<CorrelationMember, LinkedCorrelation>();

  constructor(linked: readonly LinkedCorrelation[]) {
    for (const one of linked) this.#linked.set(one.correlation, one);
  }

  of(correlation: SigmaCorrelation): CorrelationReach {
    return {
      feeds: distinct(this.#feeds(correlation, correlation.groupBy)),
      reachMs: this.#reachMs(correlation),
      isCounting:
        correlation.suppressMs === 0 &&
        isRising(correlation) &&
        this.#members(correlation).every(({ kind }) => kind === 'rule'),
    };
  }

  #members(correlation: CorrelationMember): readonly CorrelationMember[] {
    return this.#linked.get(correlation)?.members ?? [];
  }

  #feeds(correlation: SigmaCorrelation, names: readonly (string | undefined)[]): RuleFeed[] {
    const { fieldsOf = [] } = this.#linked.get(correlation) ?? {};
    return this.#members(correlation).flatMap((member, place) => {
      const fields = names.map((name) => (name === undefined ? undefined : (fieldsOf[place]?.[name] ?? name)));
      if (member.kind === 'rule') return [{ documentIds: [member.id, correlation.id], fields }];
      // What a firing is not grouped by, its last event says.
      const known = fields.map((name) => (name !== undefined && member.groupBy.includes(name) ? name : undefined));
      return distinct(this.#feeds(member, known)).map((feed) => ({
        documentIds: [...feed.documentIds, correlation.id],
        fields: feed.fields,
      }));
    });
  }

  // An event leaves a window after its time span; until then it may keep the condition true, and so a later crossing from being one.
  #reachMs(correlation: SigmaCorrelation): number {
    if (!isRising(correlation)) return Number.POSITIVE_INFINITY;
    const below = this.#members(correlation).map((member) => (member.kind === 'rule' ? 0 : this.#reachMs(member)));
    return correlation.timespanMs + 1 + correlation.suppressMs + Math.max(0, ...below);
  }
}

/** True where one event more never makes the condition false. */
function isRising({ type, condition, memberCondition }: SigmaCorrelation): boolean {
  if (memberCondition !== undefined) return !hasNot(memberCondition);
  const isCount =
    type === 'event_count' || type === 'value_count' || type === 'temporal' || type === 'temporal_ordered';
  return isCount && Object.keys(condition).every((name) => name === 'gt' || name === 'gte');
}

function hasNot(expression: MemberExpression): boolean {
  if (expression.kind === 'member') return false;
  return expression.kind === 'not' || expression.operands.some(hasNot);
}

function distinct(feeds: readonly RuleFeed[]): RuleFeed[] {
  return [...new Map(feeds.map((feed) => [JSON.stringify([feed.documentIds, feed.fields]), feed])).values()];
}

/**
 * True when an event may count in a group of texts by name: its fields hold these, or nobody can say any more what they held.
 *
 * @param group - a text for each field of the feed; undefined for one that is not known in full
 */
export function mayFeed(event: LoggedEvent, { fields }: RuleFeed, group: readonly (string | undefined)[]): boolean {
  const record = sigmaRecordOf(event);
  const isLost = lostFieldsOf(event.erased, record);
  const pseudonymise = pseudonymiseWith(event.pseudonyms);
  return fields.every((field, place) => {
    const wanted = group[place];
    if (field === undefined || wanted === undefined || isLost(field)) return true;
    const text = fieldText(record, field);
    return text !== undefined && (text === wanted || pseudonymise(text) === wanted);
  });
}
