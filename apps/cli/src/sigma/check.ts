import { EventValidator, eventRegistry } from '@protego/contracts';
import { checkRules, type SigmaProblem, type SigmaRuleSet } from '@protego/streams';
import { EXIT_CHECK_FAILED } from '../exit-code';
import { Terminal } from '../terminal';
import { compileAt, sayProblem, type RuleOptions } from './rule-options';

/** Options of `protego sigma check`. */
export interface CheckOptions extends RuleOptions {
  readonly json: boolean;
  readonly strict: boolean;
}

/** What a check of rules found. */
interface CheckReport {
  readonly rules: number;
  readonly correlations: number;
  readonly filters: number;
  readonly cases: number;
  /** Documents that do not compile. */
  readonly problems: readonly SigmaProblem[];
  /** Cases that cannot be read or do not hold. */
  readonly failedCases: readonly SigmaProblem[];
  /** Documents that can never fire. */
  readonly neverFire: readonly SigmaProblem[];
  readonly warnings: readonly SigmaProblem[];
}

/** Compiles rules, runs their cases and looks for rules that can never fire; sets the exit code 1 when one is wrong. */
export function checkRuleFiles(paths: readonly string[], options: CheckOptions): void {
  const terminal = new Terminal(options.json);
  const report = reportOf(compileAt(paths, options), terminal);
  const { problems, failedCases, neverFire, warnings } = report;
  if (!options.json) {
    for (const problem of [...problems, ...failedCases, ...neverFire]) sayProblem(terminal, 'error', problem);
    sayWarnings(terminal, warnings);
  }
  const isOk = [problems, failedCases, neverFire, ...(options.strict ? [warnings] : [])].every(
    (found) => found.length === 0,
  );
  terminal.result({ ok: isOk, ...report }, [
    `${report.rules} rules, ${report.correlations} correlations and ${report.filters} filters compile, ${problems.length} do not, ${warnings.length} warnings`,
    `${report.cases - failedCases.length} cases hold, ${failedCases.length} do not; ${neverFire.length} rules can never fire`,
  ]);
  if (!isOk) process.exitCode = EXIT_CHECK_FAILED;
}

function reportOf(set: SigmaRuleSet, terminal: Terminal): CheckReport {
  const validator = new EventValidator(eventRegistry);
  const total = set.rules.length + set.correlations.length;
  const failedCases: SigmaProblem[] = [];
  const neverFire: SigmaProblem[] = [];
  const warnings = [...set.warnings];
  let cases = 0;
  let done = 0;
  const progress = terminal.progress('check', 'rules');
  for (const check of checkRules(set, (event) => void validator.check(event))) {
    cases += check.caseCount;
    failedCases.push(...check.caseProblems);
    if (check.neverFires !== undefined) neverFire.push(check.neverFires);
    warnings.push(...check.warnings);
    done += 1;
    progress.update(done, total);
  }
  progress.stop();
  const { rules, correlations, filters, problems } = set;
  const counts = { rules: rules.length, correlations: correlations.length, filters: filters.length, cases };
  return { ...counts, problems, failedCases, neverFire, warnings };
}

/** Most warnings of one code that are said one by one to a person. */
const WARNINGS_SAID_MAX = 10;

function sayWarnings(terminal: Terminal, warnings: readonly SigmaProblem[]): void {
  const counts = new Map<string, number>();
  for (const warning of warnings) {
    const count = (counts.get(warning.code) ?? 0) + 1;
    counts.set(warning.code, count);
    if (count <= WARNINGS_SAID_MAX) sayProblem(terminal, 'warning', warning);
  }
  for (const [code, count] of counts)
    if (count > WARNINGS_SAID_MAX)
      terminal.note(`warning: and ${count - WARNINGS_SAID_MAX} more like these (${code}); --json lists all`);
}
