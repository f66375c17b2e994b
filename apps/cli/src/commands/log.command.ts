import { Command } from 'commander';
import { backupCommand, restoreCommand } from '../log/backup';
import { eraseCommand, expireCommand } from '../log/erase';
import { exportCommand, receiverKeyCommand } from '../log/export';
import { catCommand, statCommand } from '../log/look';
import { checkpointCommand, proveCommand } from '../log/prove';
import { rejectsCommand } from '../log/rejects';
import { verifyCommand } from '../log/verify';

/** `protego log`: look at a log, verify and prove it, hand parts of it over, forget, expire, back up and restore. */
export function logCommand(): Command {
  const command = new Command('log').description(
    'Look at a log, verify and prove it, export evidence, erase persons, expire, back up, restore.',
  );
  for (const make of [
    statCommand,
    catCommand,
    rejectsCommand,
    verifyCommand,
    checkpointCommand,
    proveCommand,
    exportCommand,
    receiverKeyCommand,
    eraseCommand,
    expireCommand,
    backupCommand,
    restoreCommand,
  ])
    command.addCommand(make());
  return command;
}
