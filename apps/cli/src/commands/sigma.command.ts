import { join } from 'node:path';
import { Command } from 'commander';
import { loadPlaceholders, loadRuleFiles } from '@protego/artefacts';
import { compileSigma, type SigmaProblem, type SigmaRuleSet } from '@protego/streams';
import { EXIT_CHECK_FAILED } from '../exit-code';
import { shippedStreamsDir } from '../installation';
import { correlateEvents, matchEvents } from '../sigma/sigma-run';
import { readEventLines } from '../sigma/event-lines';
import { Terminal } from '../terminal';

interface RuleOptions {
  readonly placeholders: string;
}

interface CheckOptions extends RuleOptions {
  readonly json: boolean;
}

interface MatchOptions extends RuleOptions {
  readonly rules: string;
  readonly events: string;
  readonly ignoreLogsource: boolean;
  readonly timeField?: string;
}

/** `protego sigma`: check rules, and try them on files of events. */
export function sigmaCommand(): Command {
  const command = new Command('sigma').description('Check Sigma rules and try them on files of events.');
  withPlaceholders(
    command
      .command('check')
      .description('Compile every rule; exit 1 when one does not.')
      .argument('<path>', 'directory of YAML files, or JSON lines of {path,id,yaml}, plain or gzip'),
  )
    .option('--json', 'print the result as JSON', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 all compile, 1 some do not, 2 usage error\nexample: protego sigma check streams/rules',
    )
    .action((path: string, options: CheckOptions) => check(path, options));
  withEvents(
    command
      .command('match')
      .description('Print {"event":n,"rule":id,"file":path} for every match; n counts lines from 0.'),
  )
    .addHelpText(
      'after',
      '\nexit codes: 0 done, whatever matched; 2 usage error\nexample: protego sigma match --rules streams/rules --events events.jsonl',
    )
    .action((options: MatchOptions) => printLines(matchEvents, options));
  withEvents(
    command
      .command('correlate')
      .description(
        'Print {"event":n,"rule":id,"group":{…},"value":x} whenever a correlation holds, in event-time order.',
      ),
  )
    .addHelpText(
      'after',
      '\nexit codes: 0 done, whatever was found; 2 usage error\nexample: protego sigma correlate --rules rule.yml --events events.jsonl --time-field timestamp',
    )
    .action((options: MatchOptions) => printLines(correlateEvents, options));
  return command;
}

function withEvents(command: Command): Command {
  return withPlaceholders(command)
    .requiredOption('--rules <path>', 'file or directory of rules, or JSON lines of {path,id,yaml}')
    .requiredOption('--events <file>', 'JSON lines of Protego events or bare records, plain or gzip')
    .option('--ignore-logsource', 'ask every rule about every event', false)
    .option('--time-field <name>', 'field of a bare record that holds its event time: RFC 3339, or epoch seconds')
    .option('--json', 'accepted for scripts; the output is JSON lines in any case', false);
}

function withPlaceholders(command: Command): Command {
  const path = join(shippedStreamsDir(), 'declarations', 'placeholders.yaml');
  return command.option('--placeholders <file>', 'YAML of what placeholders (`expand`) stand for', path);
}

function check(path: string, options: CheckOptions): void {
  const terminal = new Terminal(options.json);
  const set = compile(path, options, terminal, !options.json);
  const { rules, correlations, filters, problems, warnings } = set;
  const counts = { rules: rules.length, correlations: correlations.length, filters: filters.length };
  terminal.result({ ...counts, problems, warnings }, [
    `${counts.rules} rules, ${counts.correlations} correlations and ${counts.filters} filters compile, ${problems.length} do not, ${warnings.length} warnings`,
  ]);
  if (problems.length > 0) process.exitCode = EXIT_CHECK_FAILED;
}

async function printLines(run: typeof matchEvents | typeof correlateEvents, options: MatchOptions): Promise<void> {
  const terminal = new Terminal(true);
  const set = compile(options.rules, options, terminal, true);
  const events = readEventLines(options.events, options.timeField, terminal);
  for await (const line of run(set, events, options, terminal)) terminal.line(line);
}

function compile(path: string, options: RuleOptions, terminal: Terminal, saysProblems: boolean): SigmaRuleSet {
  const set = compileSigma(loadRuleFiles(path), { placeholders: loadPlaceholders(options.placeholders) });
  const say = (kind: string, { path: file, line, column, code, message }: SigmaProblem): void =>
    terminal.note(`${file}:${line ?? 1}:${column ?? 1}: ${kind}: ${message} (${code})`);
  if (saysProblems) {
    for (const problem of set.problems) say('error', problem);
    for (const warning of set.warnings) say('warning', warning);
  }
  return set;
}
