import { canonicalJson, messageOf, type LoggedEvent } from '@protego/contracts';
import type { OperatorFunction } from 'rxjs';
import { buildDetection } from './detection-builder';
import { elementOperator } from './operators/element-operator';
import type { EventOrder } from './operators/event-heap';
import type { SourceTable } from './operators/source-table';
import type { StreamElement, Timing } from './operators/stream-element';
import type { PipelineRules } from './pipeline-rules';
import type { DetectionResult, PipelineResult } from './result';
import { fieldText, sigmaRecordOf } from './sigma-record';
import type { SigmaMatch } from './sigma/matcher';
import type { SigmaRecord } from './sigma/record';
import type { SigmaRule } from './sigma/rule';

/** An event with the rules that match it. */
export interface MatchedEvent extends EventOrder {
  readonly logged: LoggedEvent;
  /** The event as rules see it. */
  readonly record: SigmaRecord;
  readonly matches: readonly SigmaMatch[];
}

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
      const matches = rules.matcher.match(record);
      out.next({ kind: 'event', timeMs, timing, event: { logged, record, timeMs, source, id, matches } });
    },
  }));
}

/** Results that need no window: detections of rules that stand alone, mistimed events, rules that threw. */
export function statelessResults(
  rules: PipelineRules,
  sources: SourceTable,
): OperatorFunction<StreamElement<MatchedEvent>, PipelineResult> {
  return elementOperator((out) => ({
    next: (element) => {
      if (element.kind === 'watermark') return;
      const { logged, record, matches } = element.event;
      if (element.timing !== 'on-time')
        out.next({ kind: element.timing, event: logged, watermarkMs: sources.watermarkMs });
      for (const { rule, failure } of matches) {
        if (failure !== undefined)
          out.next({ kind: 'rule-failed', ruleId: rule.id, message: messageOf(failure), event: logged });
        else if (rules.raises(rule)) out.next(detectionOf(rule, logged, record, element.timing));
      }
    },
  }));
}

function detectionOf(rule: SigmaRule, logged: LoggedEvent, record: SigmaRecord, timing: Timing): DetectionResult {
  return buildDetection({
    rule,
    groupKey: canonicalJson([]),
    startMs: logged.timeMs,
    endMs: logged.timeMs + 1,
    certainAtMs: logged.timeMs,
    refs: [[logged.seq, logged.event.source, logged.event.id]],
    textOf: (name) => fieldText(record, name),
    timing,
  });
}
