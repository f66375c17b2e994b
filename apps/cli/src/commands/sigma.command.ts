import { Command } from 'commander';
import { checkRuleFiles, type CheckOptions } from '../sigma/check';
import { readEventLines } from '../sigma/event-lines';
import { explainRules, type ExplainOptions } from '../sigma/explain';
import { compileAt, sayProblem, withPlaceholders, type RuleOptions } from '../sigma/rule-options';
import { correlateEvents, matchEvents } from '../sigma/sigma-run';
import { Terminal } from '../terminal';
import { numberOf } from './simulate.command';

interface MatchOptions extends RuleOptions {
  readonly rules: string;
  readonly events: string;
  readonly ignoreLogsource: boolean;
  readonly timeField?: string;
}

/** `protego sigma`: check rules, and try them on files of events. */
export function sigmaCommand(): Command {
  const command = new Command('sigma').description('Check Sigma rules and try them on files of events.');
  addCheck(command);
  withMatchOptions(
    command
      .command('match')
      .description('Print {"event":n,"rule":id,"file":path} for every match; n counts lines from 0.'),
  )
    .addHelpText(
      'after',
      '\nexit codes: 0 done, whatever matched; 2 usage error\nexample: protego sigma match --rules streams/rules --events events.jsonl',
    )
    .action((options: MatchOptions) => printLines(matchEvents, options));
  withMatchOptions(
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
  addExplain(command);
  return command;
}

function addCheck(parent: Command): void {
  withPlaceholders(
    parent
      .command('check')
      .description('Compile every rule, run its cases, and find rules that can never fire; exit 1 when one is wrong.')
      .argument('<path...>', 'YAML files, directories of them, or JSON lines of {path,id,yaml}, plain or gzip'),
  )
    .option('--strict', 'fail on warnings too', false)
    .option('--json', 'print the result as JSON', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 all is well; 1 a rule does not compile, a case does not hold or a rule can never fire, or with --strict there is a warning; 2 usage error\nexample: protego sigma check streams/rules',
    )
    .action((paths: string[], options: CheckOptions) => checkRuleFiles(paths, options));
}

function addExplain(parent: Command): void {
  withEvents(
    parent
      .command('explain')
      .description('Say why rules match events, or which clauses of the condition keep them from matching.'),
  )
    .option('--rule <id>', 'only the rule with this id or name')
    .option('--event <n>', 'only the event on this line, counted from 0', numberOf('--event'))
    .option('--reveal', 'show values of persons and free text as the events file holds them', false)
    .option('--json', 'print a line of JSON for each event and rule', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 done, whether or not rules match; 2 usage error\nexample: protego sigma explain --rules streams/rules --rule unsigned_medical_device_firmware --events events.jsonl --event 0',
    )
    .action((options: ExplainOptions) => explainRules(options));
}

function withEvents(command: Command): Command {
  return withPlaceholders(command)
    .requiredOption('--rules <path>', 'file or directory of rules, or JSON lines of {path,id,yaml}')
    .requiredOption('--events <file>', 'JSON lines of Protego events or bare records, plain or gzip')
    .option('--ignore-logsource', 'ask every rule about every event', false);
}

function withMatchOptions(command: Command): Command {
  return withEvents(command)
    .option('--time-field <name>', 'field of a bare record that holds its event time: RFC 3339, or epoch seconds')
    .option('--json', 'accepted for scripts; the output is JSON lines in any case', false);
}

async function printLines(run: typeof matchEvents | typeof correlateEvents, options: MatchOptions): Promise<void> {
  const terminal = new Terminal(true);
  const set = compileAt([options.rules], options);
  for (const problem of set.problems) sayProblem(terminal, 'error', problem);
  for (const warning of set.warnings) sayProblem(terminal, 'warning', warning);
  const events = readEventLines(options.events, options.timeField, terminal);
  for await (const line of run(set, events, options, terminal)) terminal.line(line);
}
