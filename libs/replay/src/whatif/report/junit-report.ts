import type { Difference } from '../differences';
import { failedGates, type GateResult } from '../gates';
import type { MakerSummary, WhatIfDiff } from '../whatif-shape';
import { countsText, whenText } from './words';

/** Most differences that one failure tells. */
const FAILURE_LINES_MAX = 50;

/**
 * A comparison as JUnit XML: one test case a gate (skipped where it was not asked for), and one a rule that found anything,
 * which fails where a gate that was asked for fails by it.
 */
export function junitReport(diff: WhatIfDiff): string {
  const failed = failedGates(diff.gates);
  const gates = diff.gates.map((gate) => gateCase(gate, failed.includes(gate), diff));
  const makers = diff.makers.map((maker) => makerCase(maker, failed, diff));
  const suites = [
    suiteOf('whatif.gates', gates, failed.length, diff.gates.filter(({ isAsked }) => !isAsked).length),
    suiteOf('whatif.rules', makers, diff.makers.filter(({ maker }) => failsBy(failed, maker)).length, 0),
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="protego whatif">\n${suites.join('')}</testsuites>\n`;
}

function suiteOf(name: string, cases: readonly string[], failures: number, skipped: number): string {
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="${skipped}"`;
  return `  <testsuite name="${name}" ${counts}>\n${cases.join('')}  </testsuite>\n`;
}

function gateCase(result: GateResult, isFailed: boolean, diff: WhatIfDiff): string {
  const { gate, words, isAsked, failures, makers } = result;
  const head = `    <testcase classname="whatif.gates" name="${gate}"`;
  if (!isAsked) return `${head}><skipped message="was not asked for" /></testcase>\n`;
  if (!isFailed) return `${head} />\n`;
  const own = diff.differences.filter(({ makerId }) => makers.includes(makerId));
  return `${head}>${failureOf(`${failures ?? 0} ${words}`, own)}</testcase>\n`;
}

function makerCase(maker: MakerSummary, failed: readonly GateResult[], diff: WhatIfDiff): string {
  const { maker: id, title, baseline, candidate } = maker;
  const head = `    <testcase classname="whatif.rules" name="${xml(`${title} (${id})`)}"`;
  const told = `${baseline} before, ${candidate} after; ${countsText(maker)}`;
  if (!failsBy(failed, id)) return `${head}><system-out>${xml(told)}</system-out></testcase>\n`;
  const gates = failed.filter(({ makers }) => makers.includes(id)).map(({ gate }) => gate);
  const own = diff.differences.filter(({ makerId }) => makerId === id);
  return `${head}>${failureOf(`${gates.join(', ')}: ${told}`, own)}</testcase>\n`;
}

function failsBy(failed: readonly GateResult[], maker: string): boolean {
  return failed.some(({ makers }) => makers.includes(maker));
}

function failureOf(message: string, differences: readonly Difference[]): string {
  const lines = differences
    .slice(0, FAILURE_LINES_MAX)
    .map((difference) => `${difference.change}: ${whenText(difference)} ${difference.title}`);
  const left = differences.length - lines.length;
  const text = [...lines, ...(left > 0 ? [`and ${left} more`] : [])].join('\n');
  return `<failure message="${xml(message)}">${xml(text)}</failure>`;
}

// XML 1.0 (section 2.2) refuses most control characters, escaped or not.
function xml(text: string): string {
  const safe = text.toWellFormed().replace(/[^\P{Cc}\n\t]|[\ufffe\uffff]/gu, '\ufffd');
  return safe.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
