import Box from "@mui/material/Box";
import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode, RefObject } from "react";
import { columnsThatFit } from "./columns.ts";
import type { Column } from "./columns.ts";
import { GridHeader, headerHeight } from "./grid-header.tsx";
import { GridRow } from "./grid-row.tsx";
import { useElementWidth } from "./use-element-width.ts";

export interface GridProps<Row> {
  /** What the list is, for those who hear it. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row, index: number) => string;
  readonly rowHeight?: number;
  /** Rows are as high as their text asks for; `rowHeight` is the least. */
  readonly rowsGrow?: boolean;
  /** What Enter and a click on a row do. */
  readonly onOpen?: (row: Row) => void;
  /** Which list it is: another one is shown from its beginning. */
  readonly listKey?: string;
  /** Told of the first and the last row in the page whenever these change. */
  readonly onView?: (first: number, last: number) => void;
  readonly hasMore?: boolean;
  /** Called when the end comes into view; calls while one is under way are the caller's to ignore. */
  readonly onMore?: () => void;
  /** Shown in place of rows: loading, empty, an error. */
  readonly placeholder?: ReactNode;
  /** The last line, below the rows: that more is coming, or why it is not. */
  readonly footer?: ReactNode;
}

/** How far before its end the list asks for more, in rows. */
const rowsAhead = 30;

/**
 * A list of any length: only the rows in view are in the page. One row is in the tab order; arrows, Page Up and Down, Home
 * and End go on from there, Enter opens. It is our own over TanStack Virtual because MUI's free grid ends at 100 rows a page.
 */
export function Grid<Row>(props: GridProps<Row>): ReactNode {
  const { label, rows, rowKey, rowHeight = 52, rowsGrow = false, listKey = "" } = props;
  const { onOpen, hasMore = false, placeholder, footer } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const width = useElementWidth(scroller);
  const columns = columnsThatFit(props.columns, width);
  const template = columns.map(({ track }) => track).join(" ");
  const { active, setActive, onKeyDown } = useRowKeys({ count: rows.length, rowHeight, scroller, listKey });
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    indexAttribute: "data-row",
    // The row that has the keyboard stays in the page, wherever the others are scrolled to.
    rangeExtractor: (range) => {
      const indexes = defaultRangeExtractor(range);
      return indexes.includes(active) || active >= rows.length
        ? indexes
        : [...indexes, active].toSorted((a, b) => a - b);
    },
  });
  const items = virtualizer.getVirtualItems();
  useView(items, props);

  return (
    <Box
      ref={scroller}
      sx={scrollerSx}
      role="grid"
      aria-label={label}
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      aria-colcount={columns.length}
    >
      <GridHeader columns={columns} template={template} />
      {placeholder}
      <Box
        role="rowgroup"
        onKeyDown={onKeyDown}
        style={{ height: virtualizer.getTotalSize() }}
        sx={{ position: "relative" }}
      >
        {items.map(({ index, start }) => {
          const row = rows[index];
          if (row === undefined) return null;
          return (
            <GridRow
              key={rowKey(row, index)}
              {...{ row, index, columns, template, onOpen, start }}
              height={rowHeight}
              measure={rowsGrow ? virtualizer.measureElement : undefined}
              isActive={index === active}
              onActive={setActive}
            />
          );
        })}
      </Box>
      {footer}
    </Box>
  );
}

const scrollerSx = { flex: 1, minHeight: 0, overflow: "auto", position: "relative" } as const;

/** Says what is in view, and asks for more rows before they end. */
function useView<Row>(items: readonly { readonly index: number }[], props: GridProps<Row>): void {
  const { rows, hasMore = false, onMore, onView } = props;
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    onView?.(first, last);
  }, [first, last, onView]);
  useEffect(() => {
    if (hasMore && last >= rows.length - rowsAhead) onMore?.();
  }, [hasMore, last, rows.length, onMore]);
}

interface RowKeys {
  readonly active: number;
  readonly setActive: (index: number) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

interface RowKeysOptions {
  readonly count: number;
  readonly rowHeight: number;
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly listKey: string;
}

/** Which row has the keyboard, and where the keys take it. */
function useRowKeys({ count, rowHeight, scroller, listKey }: RowKeysOptions): RowKeys {
  const [active, setActive] = useState(0);
  const shownKey = useRef(listKey);
  useEffect(() => {
    if (shownKey.current === listKey) return;
    shownKey.current = listKey;
    setActive(0);
    scroller.current?.scrollTo({ top: 0 });
  }, [scroller, listKey]);
  const bounded = Math.min(active, Math.max(0, count - 1));
  const moves = useRef(false);

  useEffect(() => {
    if (!moves.current) return;
    moves.current = false;
    // It is in the page already, if only just, and the browser scrolls to what is focused.
    scroller.current?.querySelector<HTMLElement>(`[data-row="${bounded}"]`)?.focus();
  }, [bounded, scroller]);

  const onKeyDown = useCallback(
    (event: KeyboardEvent) => {
      const page = Math.max(1, Math.floor(((scroller.current?.clientHeight ?? 0) - headerHeight) / rowHeight) - 1);
      const target = targetOf(event.key, { active: bounded, page, last: count - 1 });
      if (target === null) return;
      event.preventDefault();
      moves.current = true;
      setActive(target);
    },
    [bounded, count, rowHeight, scroller],
  );
  return { active: bounded, setActive, onKeyDown };
}

function targetOf(key: string, { active, page, last }: { active: number; page: number; last: number }): number | null {
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: active + 1,
    ArrowUp: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: last,
  };
  const target = targets[key];
  return target === undefined ? null : Math.min(Math.max(target, 0), last);
}
