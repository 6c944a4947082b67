import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Stack from "@mui/material/Stack";
import Typography from "@mui/material/Typography";
import { useRef, useState } from "react";
import type { DragEvent, ReactNode } from "react";
import { download, printCsv } from "../csv/csv.ts";
import { takeLostFocus } from "../focus.ts";
import { DropIcon } from "../icons.tsx";
import { readBulkFile } from "./bulk-file.ts";
import type { BulkFile } from "./bulk-file.ts";
import { exampleRows } from "./lines.ts";

/** Takes a CSV file, dropped or chosen. */
export function DropZone({ onFile }: { readonly onFile: (file: BulkFile) => void }): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const take = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    const read = await readBulkFile(file);
    if (typeof read === "string") setProblem(`${file.name}: ${read}`);
    else onFile(read);
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer.files[0]);
  };

  return (
    <Stack spacing={2} sx={{ flex: 1 }}>
      {problem !== null && <Alert severity="error">{problem}</Alert>}
      <Box
        role="region"
        aria-label="Drop a CSV file"
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
        data-over={isOver}
        sx={zoneSx}
      >
        <Box sx={{ color: "primary.main", "& svg": { fontSize: 44 } }}>
          <DropIcon />
        </Box>
        <Typography variant="h2" component="p">
          Drop a CSV file here
        </Typography>
        <Typography sx={{ color: "text.secondary", maxWidth: 520 }}>
          One stock transaction a line, with the columns product_id, action and quantity, and reason, reference and note
          if you like. Every line is checked and shown before anything is sent.
        </Typography>
        <Stack direction={{ xs: "column", sm: "row" }} spacing={1}>
          <Button ref={takeLostFocus} variant="contained" onClick={() => input.current?.click()}>
            Choose a file
          </Button>
          <Button onClick={() => download("example.csv", [printCsv(exampleRows)])}>Example file</Button>
        </Stack>
        <input
          ref={input}
          type="file"
          accept=".csv,text/csv,text/plain"
          aria-label="CSV file"
          hidden
          onChange={({ target }) => {
            void take(target.files?.[0]);
            // The same file can be chosen again.
            target.value = "";
          }}
        />
      </Box>
    </Stack>
  );
}

const zoneSx = {
  flex: 1,
  minHeight: 300,
  display: "flex",
  flexDirection: "column",
  alignItems: "center",
  justifyContent: "center",
  gap: 1.5,
  p: 3,
  textAlign: "center",
  border: 2,
  borderStyle: "dashed",
  borderColor: "divider",
  borderRadius: 2,
  bgcolor: "background.paper",
  "&[data-over=true]": { borderColor: "primary.main", bgcolor: "action.hover" },
} as const;
