import { areaUnderCurve, estimateArea, type AreaEstimate } from './area-under-curve';
import { LinearModel, slotOf } from './linear-model';
import type { Matching, Sample, SampleSet } from './matched-samples';

/** How well a look at names, ids and the order of fields tells attacks from ordinary life. */
export interface Disguise {
  readonly area: AreaEstimate;
  /** Pairs of events that were learnt from, and those that were told apart. */
  readonly trainedPairs: number;
  readonly testedPairs: number;
  /** Best told apart first. */
  readonly byType: readonly Part[];
  readonly byAttack: readonly Part[];
  /** What gave most away. */
  readonly tells: readonly Tell[];
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
 * Trains a classifier on the samples of some simulations and tests it on those of others. It sees of each event what
 * `surfaceFeatures` names, and nothing of what happened.
 */
export function examineDisguise(
  training: readonly SampleSet[],
  testing: readonly SampleSet[],
  matching: Matching,
): Disguise {
  const model = new LinearModel();
  const learnt = training.flatMap((set) => slottedOf(set, matching));
  model.train(learnt.map(({ slots, sample }) => ({ slots, isPositive: sample.isAttack })));
  const scored = testing.flatMap((set) =>
    slottedOf(set, matching).map(({ slots, sample }) => ({ sample, score: model.score(slots) })),
  );
  return {
    area: estimateArea(
      scored.map(({ sample, score }) => ({ score, isPositive: sample.isAttack, group: sample.label })),
    ),
    trainedPairs: learnt.length / 2,
    testedPairs: scored.length / 2,
    byType: partsBy(scored, ({ type }) => type),
    byAttack: partsBy(scored, ({ attack }) => attack),
    tells: tellsOf(testing, matching, model),
  };
}

function slottedOf({ vocabulary, pairs }: SampleSet, matching: Matching): { sample: Sample; slots: Uint32Array }[] {
  const slots = Uint32Array.from(vocabulary, slotOf);
  return pairs[matching].map((sample) => ({ sample, slots: sample.features.map((at) => slots[at] as number) }));
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

function tellsOf(sets: readonly SampleSet[], matching: Matching, model: LinearModel): Tell[] {
  const counts = new Map<string, [attacks: number, benign: number]>();
  let pairs = 0;
  for (const { vocabulary, pairs: all } of sets)
    for (const { features, isAttack } of all[matching]) {
      if (isAttack) pairs++;
      for (const at of features) {
        const feature = vocabulary[at] as string;
        const count = counts.get(feature) ?? [0, 0];
        count[isAttack ? 0 : 1]++;
        counts.set(feature, count);
      }
    }
  return [...counts]
    .filter(([, [attacks, benign]]) => attacks + benign >= TELL_COUNT_MIN)
    .map(([feature, [attacks, benign]]) => ({
      tell: { feature, inAttacks: attacks / pairs, inBenign: benign / pairs },
      effect: model.weightOf(slotOf(feature)) * (attacks - benign),
    }))
    .filter(({ effect }) => effect > 0)
    .sort((a, b) => b.effect - a.effect)
    .slice(0, TELLS_MAX)
    .map(({ tell }) => tell);
}
