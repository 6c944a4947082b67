/** A theme of Monaco, GraphiQL's editor, as far as it matters here. */
interface Theme {
  readonly base: string;
  readonly rules: readonly object[];
  readonly colors: Readonly<Record<string, string>>;
}

/** What `MonacoEnvironment.globalAPI` makes known of it. */
export interface Monaco {
  readonly editor: { defineTheme: (name: string, theme: Theme) => void };
}

/** What can be read on GraphiQL's backgrounds, where Monaco's own colours can't. */
const readable = {
  dark: { lineNumber: "#9aa7bd", comment: "#8fbc78", number: "#b5cea8" },
  light: { lineNumber: "#237893", comment: "#007000", number: "#076b46" },
} as const;

/** Has whatever themes are defined from now on with colours that can be read. */
export function mendColors({ editor }: Monaco): void {
  const defineTheme = editor.defineTheme;
  editor.defineTheme = (name, theme) => {
    const { lineNumber, comment, number } = readable[theme.base === "vs-dark" ? "dark" : "light"];
    defineTheme(name, {
      ...theme,
      rules: [...theme.rules, { token: "comment", foreground: comment }, { token: "number", foreground: number }],
      colors: {
        ...theme.colors,
        "editorLineNumber.foreground": lineNumber,
        "editorLineNumber.dimmedForeground": lineNumber,
      },
    });
  };
}
