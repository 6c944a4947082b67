import { createTheme } from "@mui/material/styles";

const bodyFont =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif';

/** Light and dark in one: which of them counts is an attribute of the page, so nothing is rendered anew for it. */
export const theme = createTheme({
  cssVariables: { colorSchemeSelector: "data-color-scheme" },
  colorSchemes: {
    light: {
      palette: {
        primary: { main: "#0f766e", dark: "#115e59", light: "#14b8a6", contrastText: "#ffffff" },
        secondary: { main: "#9a5b00", contrastText: "#ffffff" },
        success: { main: "#157347" },
        warning: { main: "#9a5b00" },
        error: { main: "#b42318" },
        info: { main: "#1d4ed8" },
        background: { default: "#f6f8f8", paper: "#ffffff" },
        divider: "#dfe5e4",
        text: { primary: "#14201f", secondary: "#50605e" },
      },
    },
    dark: {
      palette: {
        primary: { main: "#2dd4bf", dark: "#14b8a6", light: "#5eead4", contrastText: "#042f2c" },
        secondary: { main: "#fbbf24", contrastText: "#231800" },
        success: { main: "#4ade80" },
        warning: { main: "#fbbf24" },
        error: { main: "#ff8a80" },
        info: { main: "#93c5fd" },
        background: { default: "#0d1414", paper: "#141d1d" },
        divider: "#2a3737",
        text: { primary: "#e6eeed", secondary: "#9fb1ae" },
      },
    },
  },
  shape: { borderRadius: 10 },
  typography: {
    fontFamily: bodyFont,
    h1: { fontSize: "1.5rem", fontWeight: 650, letterSpacing: "-0.01em" },
    h2: { fontSize: "1.05rem", fontWeight: 650 },
    button: { textTransform: "none", fontWeight: 600 },
  },
  components: {
    // What has the keyboard has a line around it, and nothing that pulsates.
    MuiButtonBase: {
      styleOverrides: {
        root: ({ theme: { vars } }) => ({
          "&.Mui-focusVisible": { outline: `2px solid ${vars?.palette.primary.main}`, outlineOffset: 2 },
        }),
      },
    },
    MuiButton: { defaultProps: { disableElevation: true, disableFocusRipple: true } },
    MuiIconButton: { defaultProps: { disableFocusRipple: true } },
    MuiToggleButton: { defaultProps: { disableFocusRipple: true } },
    MuiMenuItem: { styleOverrides: { root: { outlineOffset: "-2px !important" } } },
    MuiPaper: { defaultProps: { elevation: 0 }, styleOverrides: { root: { backgroundImage: "none" } } },
    MuiDialogTitle: { styleOverrides: { root: { fontSize: "1.25rem", fontWeight: 650 } } },
    MuiAlertTitle: { styleOverrides: { root: { fontWeight: 650 } } },
    MuiTextField: { defaultProps: { size: "small" } },
    MuiSelect: { defaultProps: { size: "small" } },
    MuiFormControl: { defaultProps: { size: "small" } },
  },
});
