import type { BoundCheck } from '../bounds';
import type { EvalResult } from '../report';
import { textTable } from '../text-table';
import type { Disguise, Part } from './examine';

/** Greatest area that counts as not telling attacks from ordinary life. */
export const DISGUISE_AREA_MAX = 0.55;
/** A part of the events that is told apart so well is named. */
const NOTABLE_AREA_MIN = 0.6;
const PARTS_MAX = 15;

/** What came of the examination, by what events of attacks were matched. */
export interface DisguiseReport {
  readonly byClass: Disguise;
  readonly byType: Disguise;
  /** Events of attacks by type for which there was no benign event of the same class. */
  readonly unmatched: Readonly<Record<string, number>>;
  readonly runCount: number;
}

/** The figures. */
export function disguiseResults({ byClass, byType, runCount }: DisguiseReport): EvalResult[] {
  const result = (metric: string, value: number): EvalResult => ({
    bench: 'eval',
    metric,
    unit: 'AUC',
    value,
    rounds: runCount,
  });
  return [result('disguise-auc', byClass.area.area), result('disguise-auc-by-type', byType.area.area)];
}

/**
 * Whether attacks look like ordinary life: the area is at most {@link DISGUISE_AREA_MAX}; of a sample, the lower of the limits
 * in which it lies.
 */
export function disguiseCheck({ area }: Disguise, isSample: boolean): BoundCheck {
  return {
    name: `names, ids and the order of fields tell attacks apart with an AUC of at most ${DISGUISE_AREA_MAX}`,
    isHeld: (isSample ? area.least : area.area) <= DISGUISE_AREA_MAX,
    found: areaText(area),
  };
}

/** The report as lines for a person. */
export function disguiseLines({ byClass, byType, unmatched }: DisguiseReport): string[] {
  const { area, trainedPairs, testedPairs, tells } = byClass;
  const alone = Object.entries(unmatched).sort((a, b) => b[1] - a[1]);
  return [
    `told apart by names, ids, user agents and the order of fields: AUC ${areaText(area)}`,
    `learnt from ${trainedPairs} pairs of an attack event and a benign one of the same kind, tested on ${testedPairs} of other seeds`,
    `matched by type alone, so that who does something and where counts as well: AUC ${areaText(byType.area)}`,
    ...partLines('type', byClass.byType),
    ...partLines('attack', byClass.byAttack),
    ...(tells.length === 0 ? [] : ['', ...textTable([TELL_HEAD, ...tells.map(tellRow)])]),
    ...(alone.length === 0
      ? []
      : ['', `without a benign event of the same class: ${alone.map((each) => each.join(' ')).join(', ')}`]),
  ];
}

const TELL_HEAD = ['what tells', 'in attacks', 'in benign'];

function tellRow({ feature, inAttacks, inBenign }: Disguise['tells'][number]): string[] {
  return [feature.slice(0, 120), inAttacks.toFixed(3), inBenign.toFixed(3)];
}

function partLines(what: string, parts: readonly Part[]): string[] {
  const notable = parts.filter(({ area }) => area >= NOTABLE_AREA_MIN).slice(0, PARTS_MAX);
  if (notable.length === 0) return [];
  const rows = notable.map(({ name, area, pairs }) => [name, area.toFixed(3), String(pairs)]);
  return ['', ...textTable([[`told apart best, by ${what}`, 'AUC', 'pairs'], ...rows])];
}

function areaText({ area, least, greatest }: Disguise['area']): string {
  return `${area.toFixed(3)} (${least.toFixed(3)} to ${greatest.toFixed(3)})`;
}
