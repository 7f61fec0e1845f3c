/** What an import is called when no name is given: its file, without the extension. */
export function nameOfFile(fileName: string): string {
  return fileName.replace(/(\.tar)?\.[^.]+$/, '') || fileName;
}
