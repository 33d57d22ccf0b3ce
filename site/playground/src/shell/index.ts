/** @file What every page loads: styles, the theme's button, offline use. */
import "./tokens.css";
import "./base.css";
import "./controls.css";
import "./charts.css";
import "./narrow.css";
import { keepOffline } from "./offline.js";
import { themeButton } from "./theme.js";

themeButton();
keepOffline();
