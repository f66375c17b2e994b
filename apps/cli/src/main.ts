import { Command } from 'commander';
import { artefactCommand } from './commands/artefact.command';
import { detectionCommand } from './commands/detection.command';
import { enclaveCommand } from './commands/enclave.command';
import { importCommand } from './commands/import.command';
import { logCommand } from './commands/log.command';
import { replayCommand } from './commands/replay.command';
import { sigmaCommand } from './commands/sigma.command';
import { simulateCommand } from './commands/simulate.command';
import { upCommand } from './commands/up.command';
import { whatIfCommand } from './commands/whatif.command';
import { EXIT_INTERNAL, exitCodeOf, knownError } from './exit-code';

/** The `protego` program; every part exits with 0 done, 1 check failed, 2 usage or input error, 3 internal error. */
export function buildProgram(): Command {
  const program = new Command('protego')
    .description('Event log, detection and replay for connected hospitals.')
    .addHelpText(
      'after',
      '\nexit codes: 0 done, 1 a check or gate failed, 2 usage or input error, 3 internal error\nexample: npm run -s protego -- simulate --scenario general --seed 1 --days 0.05 --out history',
    )
    .exitOverride()
    .showHelpAfterError('(--help shows usage)')
    // An option behind a subcommand is its own, also where the command above it has one of that name.
    .enablePositionalOptions();
  for (const command of [
    simulateCommand(),
    importCommand(),
    logCommand(),
    detectionCommand(),
    artefactCommand(),
    enclaveCommand(),
    replayCommand(),
    whatIfCommand(),
    sigmaCommand(),
    upCommand(),
  ]) {
    program.addCommand(inheritExit(command));
  }
  return program;
}

// Commander copies these settings only to commands that it creates itself.
function inheritExit(command: Command): Command {
  command.exitOverride().showHelpAfterError('(--help shows usage)');
  command.commands.forEach((child) => inheritExit(child as Command));
  return command;
}

function report(thrown: unknown): void {
  if (thrown instanceof Error && thrown.constructor.name === 'CommanderError') return;
  const isJson = process.argv.includes('--json');
  const known = knownError(thrown).toJSON();
  const { code, message, help } = known;
  process.stderr.write(isJson ? `${JSON.stringify(known)}\n` : `protego: ${message} (${code})\n  ${help}\n`);
}

// A reader that has seen enough, such as `head`, closes the pipe: that is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : EXIT_INTERNAL));

buildProgram()
  .parseAsync()
  .catch((thrown: unknown) => {
    report(thrown);
    process.exitCode = exitCodeOf(thrown);
  });
