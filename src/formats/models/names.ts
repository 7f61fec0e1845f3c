/** What an imported model is called: its file, without the extension. */
export function modelName(fileName: string): string {
  return fileName.replace(/(\.tar)?\.[^.]+$/, '') || fileName;
}
