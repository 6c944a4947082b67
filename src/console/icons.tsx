import {
  mdiAlertCircleOutline,
  mdiArrowLeft,
  mdiCubeOutline,
  mdiFileUploadOutline,
  mdiGraphql,
  mdiHistory,
  mdiLogout,
  mdiMagnify,
  mdiPlus,
  mdiThemeLightDark,
  mdiDownload,
  mdiTrayArrowDown,
  mdiPause,
  mdiPlay,
} from "@mdi/js";
import { createSvgIcon } from "@mui/material/utils";

/** The console's icons. Each is decoration: what it means is written beside it, or is its button's label. */
export const AlertIcon = icon(mdiAlertCircleOutline);
export const DownloadIcon = icon(mdiDownload);
export const DropIcon = icon(mdiTrayArrowDown);
export const PauseIcon = icon(mdiPause);
export const PlayIcon = icon(mdiPlay);
export const BackIcon = icon(mdiArrowLeft);
export const BulkIcon = icon(mdiFileUploadOutline);
export const GraphqlIcon = icon(mdiGraphql);
export const HistoryIcon = icon(mdiHistory);
export const PlusIcon = icon(mdiPlus);
export const SearchIcon = icon(mdiMagnify);
export const SignOutIcon = icon(mdiLogout);
export const StockIcon = icon(mdiCubeOutline);
export const ThemeIcon = icon(mdiThemeLightDark);

function icon(path: string): ReturnType<typeof createSvgIcon> {
  return createSvgIcon(<path d={path} />, "Icon");
}
