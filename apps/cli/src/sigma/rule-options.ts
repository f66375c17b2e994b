import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { loadPlaceholders, loadRuleFiles, type RuleFile } from '@protego/artefacts';
import { compileSigma, type SigmaProblem, type SigmaRuleSet } from '@protego/streams';
import { shippedStreamsDir } from '../installation';
import type { Terminal } from '../terminal';

/** Options of every command that reads rules. */
export interface RuleOptions {
  readonly placeholders: string;
}

/** Adds the options of {@link RuleOptions}. */
export function withPlaceholders(command: Command): Command {
  const path = join(shippedStreamsDir(), 'declarations', 'placeholders.yaml');
  return command.option('--placeholders <file>', 'YAML of what placeholders (`expand`) stand for', path);
}

/**
 * Reads and compiles the rules at one or more paths. Of several, each file is named as it can be found from here.
 *
 * @throws ProtegoError `ARTEFACT_INVALID`, `DECLARATION_INVALID`
 */
export function compileAt(paths: readonly string[], options: RuleOptions): SigmaRuleSet {
  const [only] = paths;
  const files = paths.length === 1 && only !== undefined ? loadRuleFiles(only) : paths.flatMap(filesBelow);
  return compileSigma(files, { placeholders: loadPlaceholders(options.placeholders) });
}

function filesBelow(path: string): RuleFile[] {
  const isDirectory = statSync(path).isDirectory();
  return loadRuleFiles(path).map((file) => {
    const isItself = !isDirectory && file.path === basename(path);
    return { ...file, path: isItself ? path : isDirectory ? join(path, file.path) : file.path };
  });
}

/** Says where what is wrong. */
export function sayProblem(terminal: Terminal, kind: 'error' | 'warning', problem: SigmaProblem): void {
  const { path, line, column, code, message } = problem;
  terminal.note(`${path}:${line ?? 1}:${column ?? 1}: ${kind}: ${message} (${code})`);
}
