import { loadFieldClasses } from '@protego/artefacts';
import { ProtegoError, type FieldClasses } from '@protego/contracts';
import {
  fieldPlaceOf,
  whyMatched,
  whyNotMatched,
  type FailedClause,
  type NearMiss,
  type SigmaRecord,
  type SigmaRule,
  type SigmaRuleSet,
} from '@protego/streams';
import { shippedStreamsDir } from '../installation';
import { Terminal } from '../terminal';
import { readEventLines, type EventLine } from './event-lines';
import { compileAt, sayProblem, type RuleOptions } from './rule-options';

/** Options of `protego sigma explain`. */
export interface ExplainOptions extends RuleOptions {
  readonly rules: string;
  readonly events: string;
  readonly rule?: string;
  readonly event?: number;
  readonly ignoreLogsource: boolean;
  readonly reveal: boolean;
  readonly json: boolean;
}

/**
 * Says of each rule and event why the rule matches, or which clauses of its condition keep it from matching.
 *
 * @throws ProtegoError `USAGE_INVALID` when `--rule` names none of the rules; `ARTEFACT_INVALID`, `DECLARATION_INVALID`
 */
export async function explainRules(options: ExplainOptions): Promise<void> {
  const terminal = new Terminal(options.json);
  const set = compileAt([options.rules], options);
  for (const problem of set.problems) sayProblem(terminal, 'error', problem);
  const rules = rulesNamed(set, options.rule);
  const shown = new ShownValues(options.reveal ? undefined : loadFieldClasses(shippedStreamsDir()));
  for await (const line of readEventLines(options.events, undefined, terminal)) {
    if (options.event !== undefined && line.index !== options.event) continue;
    for (const rule of rules) {
      const explanation = explanationOf(rule, line, options.ignoreLogsource, shown);
      terminal.result(explanation, linesOf(explanation));
    }
  }
}

function rulesNamed({ rules, correlations }: SigmaRuleSet, name: string | undefined): readonly SigmaRule[] {
  if (name === undefined) return rules;
  const named = rules.filter((rule) => rule.id === name || rule.name === name);
  if (named.length > 0) return named;
  const isCorrelation = correlations.some((correlation) => correlation.id === name || correlation.name === name);
  const reason = isCorrelation ? 'is a correlation: name one of the rules that it counts' : 'is none of the rules';
  throw new ProtegoError('USAGE_INVALID', `--rule \`${name}\` ${reason}`);
}

/** A clause as it is printed. */
interface PrintedClause extends Omit<FailedClause, 'predicate' | 'values'> {
  readonly values: readonly unknown[];
}

interface Explanation {
  readonly event: number;
  readonly rule: string;
  readonly file: string;
  readonly title: string;
  readonly matches: boolean;
  readonly isOfLogsource: boolean;
  /** Of a match: the values that satisfied the rule. */
  readonly matched?: readonly { readonly field: string; readonly value: unknown }[];
  /** Of a miss: what would have to turn. */
  readonly clauses?: readonly PrintedClause[];
  readonly isShortest?: boolean;
  readonly canHold?: boolean;
}

function explanationOf(
  rule: SigmaRule,
  { index, record }: EventLine,
  ignoresLogsource: boolean,
  shown: ShownValues,
): Explanation {
  const miss = whyNotMatched(rule, record);
  const isMatch = miss === undefined || (ignoresLogsource && miss.clauses.length === 0);
  const head = {
    event: index,
    rule: rule.id,
    file: rule.path,
    title: rule.title,
    matches: isMatch,
    isOfLogsource: miss?.isOfLogsource ?? true,
  };
  if (miss === undefined || isMatch) {
    const matched = whyMatched(rule, record);
    return { ...head, matched: matched.map(({ field, value }) => ({ field, value: shown.of(record, field, value) })) };
  }
  return { ...head, ...printedMiss(miss, record, shown) };
}

function printedMiss(
  { clauses, isShortest, canHold }: NearMiss,
  record: SigmaRecord,
  shown: ShownValues,
): Pick<Explanation, 'clauses' | 'isShortest' | 'canHold'> {
  const printed = clauses.map(({ predicate: _, values, ...clause }) => ({
    ...clause,
    values: values.map((value) => shown.of(record, clause.field, value)),
  }));
  return { clauses: printed, isShortest, canHold };
}

function linesOf(explanation: Explanation): string[] {
  const { event, rule, title, matches, matched = [], clauses = [], isOfLogsource, canHold, isShortest } = explanation;
  const head = `event ${event}, rule \`${title}\` (${rule})`;
  if (matches)
    return [`${head}: matches`, ...matched.map(({ field, value }) => `  \`${field}\` is ${JSON.stringify(value)}`)];
  const count = clauses.length === 1 ? '1 clause' : `${clauses.length} clauses`;
  const way = isShortest === true ? 'the shortest way to a match' : 'a way to a match, perhaps not the shortest';
  return [
    `${head}: does not match`,
    ...(isOfLogsource ? [] : ['  the event is not of the log that `logsource` names']),
    ...(canHold === false ? ['  the condition contradicts itself; these clauses fail now:'] : []),
    ...(canHold === true && clauses.length > 0 ? [`  ${way} is ${count} away:`] : []),
    ...clauses.map(clauseLine),
  ];
}

function clauseLine({ selections, field, clause, isWanted, values, absence }: PrintedClause): string {
  const place = selections.length === 0 ? '' : `${selections.join(', ')}: `;
  const wish = isWanted ? 'must hold' : 'must not hold';
  const found = values.map((value) => JSON.stringify(value)).join(', ');
  const state = absence === undefined ? found : absence === 'no value' ? 'without a value' : absence;
  return `    ${place}\`${clause}\` ${wish}${field === '*' ? '' : `, and \`${field}\` is ${state}`}`;
}

const HOST_RECORD_TYPE = 'device.host-event-recorded';
const NETWORK_RECORD_TYPE = 'device.network-log-recorded';

/** Values as they may be shown: those of persons, and text that may name one, by their class only. */
class ShownValues {
  constructor(private readonly classes: FieldClasses | undefined) {}

  of(record: SigmaRecord, field: string, value: unknown): unknown {
    if (this.classes === undefined || value === null || typeof value === 'boolean' || value === '') return value;
    const type = record.type ?? (Object.hasOwn(record.data, '_path') ? NETWORK_RECORD_TYPE : HOST_RECORD_TYPE);
    const place = field === '*' ? undefined : fieldPlaceOf(record, field);
    const fieldClass = place === undefined ? 'free-text' : this.classes.classOf(type, place);
    if (fieldClass === 'open') return value;
    if (fieldClass === 'staff' && this.classes.isWellKnownAccount(String(value))) return value;
    return `(${fieldClass}, ${String(value).length} characters)`;
  }
}
