import { Command } from 'commander';
import { ProtegoError, isNameToken } from '@protego/contracts';
import { EXIT_DONE } from '../exit-code';
import { withKeyOptions, type KeyOptions } from '../log/key-options';
import { Terminal } from '../terminal';
import { UpSession } from '../up/up-session';
import { numberOf } from './simulate.command';

interface UpCommandOptions extends KeyOptions {
  readonly demo: boolean;
  readonly once: boolean;
  readonly data: string;
  readonly site: string;
  readonly httpPort: number;
  readonly natsPort?: number;
  readonly json: boolean;
}

/** `protego up`: nats-server and engine on this machine, on request with a simulated hospital. */
export function upCommand(): Command {
  return withKeyOptions(new Command('up'))
    .description('Run nats-server and the engine on loopback until interrupted; detections are printed in plain words.')
    .option('--demo', 'feed a simulated hospital hour, at speed, on the clock of the feed', false)
    .option('--once', 'with --demo: stop when the hour is through', false)
    .option('--data <dir>', 'directory for log, streams and passwords', '.protego')
    .option('--site <name>', 'name of the site', 'general-hospital')
    .option('--http-port <port>', 'port of the engine; 0 picks a free one', numberOf('--http-port'), 0)
    .option('--nats-port <port>', 'port of nats-server (default: a free one)', numberOf('--nats-port'))
    .option('--json', 'print detections as JSON lines', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 stopped on request, 2 usage error, 3 a part ended unexpectedly\nexample: protego up --demo',
    )
    .action((options: UpCommandOptions) => up(options));
}

async function up(options: UpCommandOptions): Promise<void> {
  if (!isNameToken(options.site))
    throw new ProtegoError(
      'USAGE_INVALID',
      `site \`${options.site}\` is not a name of lower-case letters, digits and dashes`,
    );
  const session = new UpSession(options, new Terminal(options.json));
  const stop = (): void => void session.stop(EXIT_DONE);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  // The program that started this one holds a channel: when it dies, so does everything here.
  if (process.send !== undefined) process.on('disconnect', stop);
  // The channel alone is no reason to stay when everything else has ended.
  process.channel?.unref();
  session.start();
  const { code, failure } = await session.ended;
  if (failure !== undefined) throw failure;
  process.exit(code);
}
