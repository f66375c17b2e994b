import { Command } from 'commander';
import { activateCommand } from '../artefact/activate';
import { approveCommand } from '../artefact/approve';
import { listCommand } from '../artefact/list';
import { retireCommand } from '../artefact/retire';

/** `protego artefact`: which rules and declarations were in force when; activate, approve and retire sets of them. */
export function artefactCommand(): Command {
  const command = new Command('artefact').description(
    'Sets of rules and declarations: which was in force when; activate, approve and retire them.',
  );
  for (const make of [listCommand, activateCommand, approveCommand, retireCommand]) command.addCommand(make());
  return command;
}
