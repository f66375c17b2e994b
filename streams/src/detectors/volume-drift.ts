import { pipe } from 'rxjs';
import { BaselineStore, baselineRate, type RatePane } from '../operators/baseline-rate';
import { elementOperator } from '../operators/element-operator';
import type { DetectionResult } from '../result';
import type { EventRef } from '../sigma/correlation-window';
import { amountWords } from './amount-words';
import {
  detectionBy,
  detectorRule,
  refOf,
  runOver,
  type Detector,
  type DetectorRun,
  type Known,
  type Observation,
} from './detector';
import type { FlowFact } from './facts';

const MEBIBYTE = 1_048_576;

const PARAMETERS = {
  windowMs: 3_600_000,
  /** Two weeks are remembered, and of them the same time of day, an hour more or less, is compared. */
  baselineWindows: 14 * 24,
  season: { windows: 24, besideWindows: 1 },
  /** Five days of it must be known. */
  baselineWindowsMin: 14,
  scoreMin: 10,
  /** What a device sends without anybody needing to ask. */
  bytesMin: 50 * MEBIBYTE,
  deviationMin: MEBIBYTE,
  deviationShareMin: 0.25,
  /** Beyond what it sent more than once at that time of day, by this much: what is copied every night is no surprise. */
  recurringFactor: 1.5,
  flowsKeptMax: 20,
  devicesMax: 10_000,
};

type KeptFlow = readonly [bytes: number, ref: EventRef];
/** The largest flows of a window, largest first. */
type KeptFlows = KeptFlow[];

/**
 * A device that sends far more out of the house in an hour than it does at that time of day: its modified z-score, the distance
 * from the median in scaled median absolute deviations (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993), is
 * past any chance, and it is well beyond what was sent more than once before. Median, deviation and the second largest hour are
 * robust: one earlier theft does not make the next one usual. While work on the device is announced, nothing is told.
 */
export const VOLUME_DRIFT: Detector<'flow'> = {
  rule: detectorRule({
    id: 'volume-drift',
    version: 2,
    parameters: PARAMETERS,
    title: 'A device sends far more out of the house than it usually does',
    level: 'high',
    attack: ['exfiltration', 'T1048', 'T1041'],
    wording: {
      confidence: 'medium',
      why: '{from} sent {bytes} out of the house within an hour; it usually sends {usual} at this time of day. That may be data of patients on its way out of the house.',
      nextStep:
        'Ask the IT service desk now where {from} sends it to; they should stop the transfer unless somebody can say what it is for. Do not switch {from} off.',
      harmlessExplanation:
        'A first backup, an archive that is moved, or a new task of this device. Whoever looks after {from} knows.',
      entities: [{ kind: 'device', field: 'from' }],
    },
  }),
  kinds: ['flow'],
  isWanted: ({ bytesOut }) => bytesOut !== null,
  begin,
};

function begin({ work }: Known): DetectorRun<FlowFact> {
  const options = { ...PARAMETERS, keysMax: PARAMETERS.devicesMax, givesCompared: true };
  const store = new BaselineStore<KeptFlows>(options, () => []);
  const panes = baselineRate<Observation<FlowFact>, KeptFlows>(
    {
      ...options,
      statistic: 'median',
      keyOf: ({ fact }) => fact.from,
      amountOf: ({ fact }) => bytesOutOfHouse(fact),
      kept: { initial: () => [], add: withFlow },
    },
    store,
  );
  return runOver(store, {
    counters: () => store.store.counters('volumeDrift'),
    detections: pipe(
      panes,
      elementOperator<RatePane<KeptFlows>, DetectionResult>((out) => ({
        next: (pane) => {
          if (isFarBeyond(pane) && !work.isOn(pane.key, pane.endMs)) out.next(detectionOf(pane));
        },
      })),
    ),
  });
}

function bytesOutOfHouse({ leavesHouse, bytesOut }: FlowFact): number {
  return leavesHouse ? (bytesOut ?? 0) : 0;
}

function isFarBeyond({ score, count, compared = [] }: RatePane<KeptFlows>): boolean {
  if (score === null || score < PARAMETERS.scoreMin || count < PARAMETERS.bytesMin) return false;
  const recurring = compared.toSorted((a, b) => b - a)[1] ?? 0;
  return count >= PARAMETERS.recurringFactor * recurring;
}

function withFlow(flows: KeptFlows, observation: Observation<FlowFact>): KeptFlows {
  const bytes = bytesOutOfHouse(observation.fact);
  if (bytes === 0) return flows;
  if (flows.length >= PARAMETERS.flowsKeptMax) {
    if (bytes <= (flows.at(-1) as KeptFlow)[0]) return flows;
    flows.pop();
  }
  let place = flows.length;
  while (place > 0 && (flows[place - 1] as KeptFlow)[0] < bytes) place--;
  flows.splice(place, 0, [bytes, refOf(observation)]);
  return flows;
}

function detectionOf({ key, startMs, endMs, count, kept, baseline }: RatePane<KeptFlows>): DetectionResult {
  const values = {
    from: key,
    bytes: amountWords(count),
    usual: amountWords(baseline?.centre ?? 0),
  };
  return detectionBy(VOLUME_DRIFT.rule, {
    group: [key],
    startMs,
    endMs,
    certainAtMs: endMs,
    refs: kept.map(([, ref]) => ref),
    values,
  });
}
