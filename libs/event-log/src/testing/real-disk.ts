import { nodeFileLayer, type LogFile, type LogFileLayer } from '../writer/file-layer';

/** A real disk whose files are opened as a test wants them. */
export abstract class RealDisk implements LogFileLayer {
  readonly makeDirectory = nodeFileLayer.makeDirectory.bind(nodeFileLayer);
  readonly syncDirectory = nodeFileLayer.syncDirectory.bind(nodeFileLayer);
  readonly rename = nodeFileLayer.rename.bind(nodeFileLayer);
  readonly remove = nodeFileLayer.remove.bind(nodeFileLayer);

  abstract open(path: string, mode: 'create' | 'change'): Promise<LogFile>;
}
