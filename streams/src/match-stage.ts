import { canonicalJson, messageOf, type LoggedEvent } from '@protego/contracts';
import type { OperatorFunction } from 'rxjs';
import { buildDetection } from './detection-builder';
import { elementOperator } from './operators/element-operator';
import type { EventOrder } from './operators/event-heap';
import type { SourceTable } from './operators/source-table';
import type { StreamElement, Timing } from './operators/stream-element';
import type { PipelineRules } from './pipeline-rules';
import { pseudonymiseWith, tellApartWith, type Pseudonymise } from './pseudonyms';
import type { DetectionResult, PipelineResult } from './result';
import { fieldText, sigmaRecordOf } from './sigma-record';
import type { SigmaMatch } from './sigma/match';
import type { UndecidableMatch } from './sigma/matcher';
import type { SigmaRecord } from './sigma/record';
import type { SigmaRule } from './sigma/rule';

/** An event with the rules that match it. */
export interface MatchedEvent extends EventOrder {
  readonly logged: LoggedEvent;
  /** The event as rules see it. */
  readonly record: SigmaRecord;
  /** What every text of the record goes through before it leaves. */
  readonly pseudonymise: Pseudonymise;
  /** The same for what is counted and grouped by. */
  readonly tellApart: Pseudonymise;
  readonly matches: readonly SigmaMatch[];
  /** Rules whose answer hangs on erased fields; they are not among the matches. */
  readonly undecidable: readonly UndecidableMatch[];
}

const NONE_UNDECIDABLE: readonly UndecidableMatch[] = [];

/** Evaluates every stateless rule once an event; late and skewed events too, because what happened still happened. */
export function matchRules(
  rules: PipelineRules,
): OperatorFunction<StreamElement<LoggedEvent>, StreamElement<MatchedEvent>> {
  return elementOperator((out) => ({
    next: (element) => {
      if (element.kind === 'watermark') {
        out.next(element);
        return;
      }
      const { event: logged, timeMs, timing } = element;
      const { source, id } = logged.event;
      const record = sigmaRecordOf(logged);
      const pseudonymise = pseudonymiseWith(logged.pseudonyms);
      const tellApart = tellApartWith(logged.pseudonyms, pseudonymise);
      const { matches, undecidable } = answersOf(rules, record, logged.erased);
      const event = { logged, record, timeMs, source, id, pseudonymise, tellApart, matches, undecidable };
      out.next({ kind: 'event', timeMs, timing, event });
    },
  }));
}

// A match that only a placeholder brings about must not raise an alarm about an event that had been judged in full.
function answersOf(
  { matcher }: PipelineRules,
  record: SigmaRecord,
  erased: readonly string[] | undefined,
): Pick<MatchedEvent, 'matches' | 'undecidable'> {
  const matches = matcher.match(record);
  if (erased === undefined || erased.length === 0) return { matches, undecidable: NONE_UNDECIDABLE };
  const undecidable = matcher.undecidable(record, erased);
  const open = new Set(undecidable.map(({ rule }) => rule));
  return { matches: matches.filter(({ rule }) => !open.has(rule)), undecidable };
}

/** Results that need no window: detections of rules that stand alone, mistimed events, rules that threw. */
export function statelessResults(
  rules: PipelineRules,
  sources: SourceTable,
): OperatorFunction<StreamElement<MatchedEvent>, PipelineResult> {
  return elementOperator((out) => ({
    next: (element) => {
      if (element.kind === 'watermark') return;
      const { logged, pseudonymise, matches } = element.event;
      if (element.timing !== 'on-time')
        out.next({ kind: element.timing, event: logged, watermarkMs: sources.watermarkMs });
      for (const { rule, failure } of matches) {
        if (failure !== undefined)
          out.next({
            kind: 'rule-failed',
            ruleId: rule.id,
            message: pseudonymise(messageOf(failure)),
            event: logged,
          });
        else if (rules.correlations.raises(rule)) out.next(detectionOf(rule, element.event, element.timing));
      }
    },
  }));
}

/** Rules that ask about what was erased from an event, and whose answer hangs on it. */
export const undecidableResults: OperatorFunction<StreamElement<MatchedEvent>, PipelineResult> = elementOperator(
  (out) => ({
    next: (element) => {
      if (element.kind === 'watermark') return;
      const { logged, undecidable } = element.event;
      for (const { rule, fields } of undecidable)
        out.next({ kind: 'undecidable', ruleId: rule.id, fields, event: logged });
    },
  }),
);

function detectionOf(rule: SigmaRule, event: MatchedEvent, timing: Timing): DetectionResult {
  const { logged, record, pseudonymise } = event;
  return buildDetection({
    rule,
    groupKey: canonicalJson([]),
    startMs: logged.timeMs,
    endMs: logged.timeMs + 1,
    certainAtMs: logged.timeMs,
    refs: [[logged.seq, logged.event.source, logged.event.id]],
    textOf: (name) => {
      const text = fieldText(record, name);
      return text === undefined ? undefined : pseudonymise(text);
    },
    timing,
  });
}
