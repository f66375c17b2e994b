import type { WhatIfCost, WhatIfDiff } from '../whatif-shape';
import { CHANGES } from '../differences';
import { failedGates } from '../gates';
import {
  VERDICT_WORDS,
  aboutText,
  aspectsText,
  causesText,
  countOf,
  countsText,
  documentText,
  makerTitle,
  nameOrUnknown,
  numberOf,
  rangeText,
  shareText,
  shiftText,
  sumOfCounts,
  whenText,
  whyText,
} from './words';

/** Most differences that the text tells one by one; `diff.json` has more. */
export const TEXT_DIFFERENCES_MAX = 500;

/** A comparison in plain words, for a terminal or a mail. Ends with a line feed. */
export function textReport(diff: WhatIfDiff, cost?: WhatIfCost): string {
  const parts = [
    ['WHAT IF', ...headOf(diff)],
    [`WHAT DIFFERS BETWEEN THE SETS: ${countOf(diff.documents.length, 'document')}`, ...documentLines(diff)],
    leftOutLines(diff),
    ['RULES', ...makerLines(diff)],
    ['WHO AND WHAT IS AFFECTED', ...affectedLines(diff)],
    labelLines(diff),
    ['ALERTS PER WARD', ...loadLines(diff)],
    ['DIFFERENCES, ONE BY ONE', ...differenceLines(diff)],
    ['COST', ...costLines(diff, cost)],
    ['GATES', ...gateLines(diff)],
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** The comparison in a few lines, for the end of a command. */
export function headOf(diff: WhatIfDiff): string[] {
  const { baseline, candidate, kinds } = diff;
  return [
    `  ${rangeText(diff)}; times in UTC`,
    `  baseline:  ${baseline.name}`,
    `  candidate: ${candidate.name}`,
    ...kinds.flatMap((kind) => [
      `  ${kind.kind}s: ${numberOf(kind.baseline)} before, ${numberOf(kind.candidate)} after; ${countsText(kind)}`,
      `  the same in both: ${numberOf(kind.same + kind.reissued)}${kind.reissued > 0 ? `, ${numberOf(kind.reissued)} of them under another id, because the content of their rule changed` : ''}`,
      ...(kind.unexplained > 0
        ? [`  WARNING: ${countOf(kind.unexplained, 'difference')} that no changed document explains`]
        : []),
    ]),
  ];
}

function documentLines({ documents }: WhatIfDiff): string[] {
  if (documents.length === 0) return ['  none: the sets say the same'];
  return documents.flatMap((document) => [
    `  ${documentText(document)}`,
    ...document.words.map((words) => `      ${words}`),
    `      effect: ${countsText(document.effects)}`,
  ]);
}

function leftOutLines({ leftOut }: WhatIfDiff): string[] {
  const sides = [
    ['baseline', leftOut.baseline],
    ['candidate', leftOut.candidate],
  ] as const;
  const lines = sides.flatMap(([side, documents]) =>
    documents.map(({ path, line, code, message }) => `  ${side}: ${path}:${line ?? 1}: ${code}: ${message}`),
  );
  return lines.length === 0 ? [] : ['DOCUMENTS LEFT OUT AS WRONG', ...lines];
}

function makerLines({ makers }: WhatIfDiff): string[] {
  const differing = makers.filter((maker) => sumOfCounts(maker) > 0);
  const lines = differing.map(({ title, maker, baseline, candidate, shiftMs, ...counts }) => {
    const moved = shiftMs === null ? '' : `, by ${shiftText(shiftMs.median)} at the median`;
    return `  ${title} (${maker}): ${baseline} before, ${candidate} after; ${countsText(counts)}${moved}`;
  });
  const others = makers.length - differing.length;
  return [...lines, `  ${countOf(others, 'rule')} with findings and no difference`];
}

function affectedLines({ affected }: WhatIfDiff): string[] {
  const { persons, patients, devices, byWard, byRole } = affected;
  if (byWard.length === 0) return ['  nobody and nothing'];
  return [
    `  ${countOf(persons, 'person')}, ${countOf(patients, 'patient')}, ${countOf(devices, 'device')}`,
    ...byWard.map(
      (row) => `  ward ${nameOrUnknown(row.name)}: ${countsText(row)}; ${countOf(row.patients, 'patient')}`,
    ),
    ...byRole.map((row) => `  role ${nameOrUnknown(row.name)}: ${countsText(row)}; ${countOf(row.persons, 'person')}`),
  ];
}

function labelLines(diff: WhatIfDiff): string[] {
  const { labels } = diff;
  if (labels === null) return [];
  const { baseline, candidate, lostAttacks, foundAttacks } = labels;
  const attackLine = (what: string, { label, activity, startsAt, makers }: (typeof lostAttacks)[number]): string =>
    `  ${what}: ${activity} (${label}) of ${startsAt}, found by ${makers.map((maker) => makerTitle(diff, maker)).join(', ')}`;
  return [
    'AGAINST THE LABELS',
    `  precision: ${shareText(baseline.precision)} before, ${shareText(candidate.precision)} after (${candidate.truePositives} of ${candidate.findings} belong to an attack)`,
    `  recall: ${shareText(baseline.recall)} before, ${shareText(candidate.recall)} after (${candidate.attacksFound} of ${countOf(candidate.attacks, 'attack')} found)`,
    `  false alarms: ${baseline.falsePositives} before, ${candidate.falsePositives} after`,
    ...lostAttacks.map((attack) => attackLine('not found any more', attack)),
    ...foundAttacks.map((attack) => attackLine('found now', attack)),
  ];
}

function loadLines({ load }: WhatIfDiff): string[] {
  const days = load.days.length;
  if (days === 0) return ['  no alert in either run'];
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const lines = load.wards.map(({ ward, baseline, candidate }) => {
    const [before, after] = [sum(baseline), sum(candidate)];
    const perDay = ` (${(before / days).toFixed(1)} and ${(after / days).toFixed(1)} a day)`;
    return `  ${nameOrUnknown(ward)}: ${before} before, ${after} after${perDay}`;
  });
  return [`  ${countOf(days, 'day')}, ${load.days[0] ?? ''} to ${load.days.at(-1) ?? ''}`, ...lines];
}

function differenceLines(diff: WhatIfDiff): string[] {
  const { differences, differencesLeftOut } = diff;
  const shown = differences.slice(0, TEXT_DIFFERENCES_MAX);
  const leftOut = differences.length - shown.length + differencesLeftOut;
  const width = Math.max(...CHANGES.map((change) => change.length));
  const lines = shown.flatMap((difference) => {
    const { change, makerId, title, affected, causes, verdict, aspects } = difference;
    const about = aboutText(difference);
    return [
      `  ${change.toUpperCase().padEnd(width)}  ${whenText(difference)}  ${title}${verdict === null ? '' : ` [${VERDICT_WORDS[verdict]}]`}`,
      `      ward ${nameOrUnknown(affected.ward)}${about === '' ? '' : `; ${about}`}`,
      ...(aspects.length > 0 ? [`      ${aspectsText(difference)}`] : [`      ${whyText(difference)}`]),
      `      because ${causesText(diff, makerId, causes)}`,
    ];
  });
  if (lines.length === 0) return ['  none'];
  return leftOut === 0 ? lines : [...lines, `  and ${numberOf(leftOut)} more`];
}

function costLines({ baseline, candidate }: WhatIfDiff, cost?: WhatIfCost): string[] {
  return (['baseline', 'candidate'] as const).map((side) => {
    const { events, late, skewed, ruleFailed, undecidable } = (side === 'baseline' ? baseline : candidate).counts;
    const took =
      cost === undefined
        ? ''
        : `, ${(cost[side].elapsedMs / 1_000).toFixed(1)} s, ${numberOf(cost[side].eventsPerSecond)} events a second`;
    return `  ${side}: ${countOf(events, 'event')}${took}; ${late} late, ${skewed} skewed, ${countOf(ruleFailed, 'rule failure')}, ${undecidable} undecidable`;
  });
}

function gateLines({ gates }: WhatIfDiff): string[] {
  const asked = gates.filter(({ isAsked }) => isAsked);
  if (asked.length === 0) return ['  none was asked for'];
  const failed = new Set(failedGates(gates));
  return asked.map(
    (result) =>
      `  ${failed.has(result) ? 'FAILED' : 'passed'}  ${result.gate}: ${result.failures ?? 0} ${result.words}`,
  );
}
