import { Command } from 'commander';
import { rotateDataKey, type DataKeyRotation } from '@protego/event-log';
import { ENGINE_OPTION_HELP, hereOrInEngine, type EngineOptions } from '../log/engine-client';
import { originOf, withLog, withWriter } from '../log/open-log';
import { Terminal } from '../terminal';

/** `protego enclave rotate`. */
export function rotateCommand(): Command {
  const command = new Command('rotate').description(
    'Give the log a new data key. What is written from now on is encrypted under it, without a restart; what is there stays as it is, and readable. The rotation is itself an event.',
  );
  return withLog(command, 'protego enclave rotate --log .protego/log', 'never')
    .option('--engine <url>', ENGINE_OPTION_HELP)
    .action((options: EngineOptions) => rotate(options));
}

async function rotate(options: EngineOptions): Promise<void> {
  const rotation = await hereOrInEngine<DataKeyRotation>(
    options,
    () => withWriter(options, ({ house, authority }) => rotateDataKey({ house, authority })),
    async (engine) => engine.ask(originOf(options), 'rotate-data-key', {}),
  );
  const { dataKeyId, eventSeq } = rotation;
  new Terminal(options.json).result(rotation, [
    `data key ${dataKeyId} is in use`,
    `the rotation is recorded at seq ${eventSeq}`,
    'make a backup: only one that is made from now on holds the number of this key',
  ]);
}
