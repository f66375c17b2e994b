import { simulateHospital } from '@protego/simulation';
import type { RunPlan } from '../run-plan';
import { areaUnderCurve, estimateArea, type AreaEstimate } from './area-under-curve';
import { LinearModel } from './linear-model';
import { matchedSamples, type Sample, type SampleOptions } from './matched-samples';

/** Greatest area that counts as not telling attacks from ordinary life. */
export const DISGUISE_AREA_MAX = 0.55;

/** How well a look at names, ids and the order of fields tells attacks from ordinary life. */
export interface Disguise {
  readonly area: AreaEstimate;
  /** Pairs of events that were learnt from, and those that were told apart. */
  readonly trainedPairs: number;
  readonly testedPairs: number;
  readonly byType: readonly Part[];
  readonly byAttack: readonly Part[];
  /** What gave most away: features, with how much they add where they are met in the events of attacks and of ordinary life. */
  readonly tells: readonly Tell[];
  /** Share of the events of attacks by type for which there was no benign event of the same kind; only those with some. */
  readonly unmatched: readonly { readonly type: string; readonly count: number }[];
}

/** The same for a part of the events. */
export interface Part {
  readonly name: string;
  readonly area: number;
  readonly pairs: number;
}

/** A feature that tells attacks from ordinary life. */
export interface Tell {
  readonly feature: string;
  /** Share of attack events, and of benign ones, that have it. */
  readonly inAttacks: number;
  readonly inBenign: number;
}

const TELLS_MAX = 20;
/** A feature that is met less often says little about the whole. */
const TELL_COUNT_MIN = 20;

/**
 * Trains a classifier on some simulations and tests it on others. It sees of each event what {@link surfaceFeatures} names;
 * events of attacks and benign ones come in pairs of the same kind.
 */
export function examineDisguise(
  training: readonly RunPlan[],
  testing: readonly RunPlan[],
  options: SampleOptions,
  onRun: (doneCount: number) => void = () => undefined,
): Disguise {
  const unmatched = new Map<string, number>();
  let doneCount = 0;
  const samplesOf = (plans: readonly RunPlan[]): Sample[] =>
    plans.flatMap(({ scenario, seed, days, settings }) => {
      const set = matchedSamples(simulateHospital({ scenario, seed, days, settings }), options);
      for (const [type, count] of set.unmatched) unmatched.set(type, (unmatched.get(type) ?? 0) + count);
      onRun(++doneCount);
      return set.samples;
    });
  const model = new LinearModel();
  const learnt = samplesOf(training);
  model.train(learnt.map(({ features, isAttack }) => ({ features, isPositive: isAttack })));
  const tested = samplesOf(testing);
  const scored = tested.map((sample) => ({ sample, score: model.score(sample.features) }));
  return {
    area: estimateArea(
      scored.map(({ sample, score }) => ({ score, isPositive: sample.isAttack, group: sample.label })),
    ),
    trainedPairs: learnt.length / 2,
    testedPairs: tested.length / 2,
    byType: partsBy(scored, ({ type }) => type),
    byAttack: partsBy(scored, ({ attack }) => attack),
    tells: tellsOf(tested, model),
    unmatched: [...unmatched].map(([type, count]) => ({ type, count })).sort((a, b) => b.count - a.count),
  };
}

interface ScoredSample {
  readonly sample: Sample;
  readonly score: number;
}

function partsBy(scored: readonly ScoredSample[], nameOf: (sample: Sample) => string): Part[] {
  const names = [...new Set(scored.map(({ sample }) => nameOf(sample)))];
  return names
    .map((name) => {
      const own = scored.filter(({ sample }) => nameOf(sample) === name);
      const area = areaUnderCurve(own.map(({ sample, score }) => ({ score, isPositive: sample.isAttack })));
      return { name, area, pairs: own.length / 2 };
    })
    .sort((a, b) => b.area - a.area);
}

function tellsOf(samples: readonly Sample[], model: LinearModel): Tell[] {
  const counts = new Map<string, [attacks: number, benign: number]>();
  for (const { features, isAttack } of samples)
    for (const feature of features) {
      const count = counts.get(feature) ?? [0, 0];
      count[isAttack ? 0 : 1]++;
      counts.set(feature, count);
    }
  const pairs = Math.max(1, samples.length / 2);
  return [...counts]
    .filter(([, [attacks, benign]]) => attacks + benign >= TELL_COUNT_MIN)
    .map(([feature, [attacks, benign]]) => ({
      tell: { feature, inAttacks: attacks / pairs, inBenign: benign / pairs },
      effect: model.weightOf(feature) * (attacks - benign),
    }))
    .filter(({ effect }) => effect > 0)
    .sort((a, b) => b.effect - a.effect)
    .slice(0, TELLS_MAX)
    .map(({ tell }) => tell);
}
