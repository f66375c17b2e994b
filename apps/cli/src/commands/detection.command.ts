import { Command } from 'commander';
import { listCommand } from '../detection/list';
import { acknowledgeCommand, muteCommand, unmuteCommand } from '../detection/mute';

/** `protego detection`: list what was found, mute it, say that somebody looks into it. */
export function detectionCommand(): Command {
  const command = new Command('detection').description('List detections, mute them, and say that somebody is on them.');
  for (const make of [listCommand, muteCommand, unmuteCommand, acknowledgeCommand]) command.addCommand(make());
  return command;
}
