# Die Wörter der Seiten auf Deutsch. Jeder Schlüssel steht auch in en.ftl.

footer = Ein Konto für alle Ihre Anwendungen.

sign-in = Anmelden
sign-in-to = um { $client } zu verwenden
sign-in-error-mismatch = Benutzername und Passwort passen nicht zusammen. Bitte prüfen Sie beides und versuchen Sie es erneut.
sign-in-error-busy = Gerade melden sich viele Menschen an. Bitte versuchen Sie es gleich noch einmal.
sign-in-error-too-many = Es gab zu viele Versuche. Bitte warten Sie einige Minuten und versuchen Sie es erneut.
sign-in-error-expired = Diese Seite war zu lange offen. Bitte melden Sie sich erneut an.
username-or-email = Benutzername oder E-Mail
username = Benutzername
email = E-Mail
name = Name
password = Passwort

client-about = Über diese Anwendung
client-about-name = Über { $client }
client-site = Website
client-policy = Datenschutz
client-tos = Nutzungsbedingungen
client-unverified = Diese Anwendung hat sich selbst registriert und wurde vom Betreiber dieses Dienstes nicht geprüft. Erlauben Sie den Zugriff nur, wenn Sie sie kennen.

second-factor = Noch ein Schritt
totp-lead = Geben Sie den Code ein, den Ihre Authenticator-App für dieses Konto anzeigt.
totp-code = Sechsstelliger Code
recovery-lead = Geben Sie einen Ihrer aufbewahrten Wiederherstellungscodes ein. Jeder gilt einmal.
recovery-code = Wiederherstellungscode
verify = Bestätigen
use-totp = Stattdessen die Authenticator-App verwenden
use-recovery = Stattdessen einen Wiederherstellungscode verwenden
second-factor-error-mismatch = Dieser Code ist nicht gültig. Bitte geben Sie einen neuen ein.
second-factor-error-busy = Gerade melden sich viele Menschen an. Bitte versuchen Sie es gleich noch einmal.
second-factor-error-too-many = Es gab zu viele Versuche. Bitte warten Sie einige Minuten und versuchen Sie es erneut.
second-factor-error-expired = Diese Seite war zu lange offen. Bitte melden Sie sich erneut an.

consent = Zugriff erlauben
consent-title = Darf { $client } Ihr Konto verwenden?
consent-wants = Die Anwendung möchte
consent-offline = Verbunden bleiben, auch wenn Sie sie gerade nicht verwenden
consent-returns = Sie kehren zurück zu
consent-lasts = Zugriff endet nach
consent-withdraw = Sie können Ihre Erlaubnis jederzeit auf Ihrer Kontoseite zurückziehen.
signed-in-as = Angemeldet als { $username }
allow = Erlauben
deny = Ablehnen
span-minutes = { $count ->
    [one] { $count } Minute
   *[other] { $count } Minuten
}
span-hours = { $count ->
    [one] { $count } Stunde
   *[other] { $count } Stunden
}
span-days = { $count ->
    [one] { $count } Tag
   *[other] { $count } Tagen
}

scope-openid = Wissen, wer Sie bei diesem Dienst sind
scope-profile = Ihren Namen und Ihr Profil sehen
scope-email = Ihre E-Mail-Adresse sehen
scope-address = Ihre Postanschrift sehen
scope-phone = Ihre Telefonnummer sehen
scope-offline_access = Verbunden bleiben, auch wenn Sie sie gerade nicht verwenden

select-account = Konto auswählen
continue-as = Weiter als { $username }
other-account = Anderes Konto verwenden

device = Gerät verbinden
device-lead = Geben Sie den Code ein, den Ihr Gerät anzeigt.
device-code = Code
device-error-mismatch = Dieser Code ist nicht mehr gültig. Bitte prüfen Sie ihn oder fordern Sie auf Ihrem Gerät einen neuen an.
device-error-too-many = Es gab zu viele Versuche. Bitte warten Sie einige Minuten und versuchen Sie es erneut.
device-confirm-title = { $client } auf Ihrem Gerät verbinden?
device-check = Erlauben Sie es nur, wenn Ihr Gerät diesen Code anzeigt und Sie den Vorgang selbst begonnen haben:
device-allowed = Ihr Gerät ist verbunden
device-allowed-lead = Sie können zu Ihrem Gerät zurückkehren und diese Seite schließen.
device-denied = Ihr Gerät wurde nicht verbunden
device-denied-lead = Sie können diese Seite schließen.
continue = Weiter

error = Fehler
error-title-request = So geht es nicht weiter
error-title-missing = Hier ist nichts
error-title-server = Bei uns ist etwas schiefgegangen
error-code = Fehler
request-id = Anfrage
message-unknown-client = Die Anwendung, die Sie hierher geschickt hat, ist diesem Dienst nicht bekannt. Bitte wenden Sie sich an ihren Betreiber.
message-redirect-uri = Die Anwendung wollte Sie an eine Adresse schicken, die sie nicht registriert hat; deshalb geht es hier nicht weiter. Bitte wenden Sie sich an ihren Betreiber.
message-invalid-request = Die Anwendung hat eine Anfrage geschickt, die dieser Dienst nicht versteht. Bitte wenden Sie sich an ihren Betreiber.
message-expired = Diese Seite war zu lange offen oder wurde in einem anderen Browser geöffnet. Bitte kehren Sie zur Anwendung zurück und beginnen Sie von vorn.
message-forgery = Dieses Formular stammt nicht aus Ihrer eigenen Sitzung. Bitte kehren Sie zur Anwendung zurück und beginnen Sie von vorn.
message-forbidden = Ihr Konto darf das nicht.
message-not-found = Die gesuchte Seite gibt es nicht.
message-too-many = Es gab zu viele Anfragen. Bitte warten Sie einige Minuten und versuchen Sie es erneut.
message-busy = Der Dienst ist stark ausgelastet. Bitte versuchen Sie es gleich noch einmal.
message-internal = Bitte versuchen Sie es später erneut. Wenn es wieder geschieht, nennen Sie dem Betreiber die Nummer der Anfrage.
message-logout-request = Die Anwendung wollte Sie auf eine Weise abmelden, der dieser Dienst nicht trauen kann. Sie sind weiterhin angemeldet.

sign-out = Abmelden
sign-out-title = Abmelden?
sign-out-question = Sie sind als { $username } angemeldet. Möchten Sie sich von diesem Dienst abmelden?
sign-out-question-client = { $client } möchte Sie abmelden. Sie sind als { $username } angemeldet. Möchten Sie sich von diesem Dienst abmelden?
sign-out-refused = Sie wurden nicht abgemeldet
signed-out = Sie sind abgemeldet
signed-out-lead = Sie können diese Seite schließen.
signed-out-lead-client = Sie haben sich von { $client } abgemeldet. Sie können diese Seite schließen.

returning = Sie kehren zur Anwendung zurück
returning-lead = Bitte gehen Sie weiter, um abzuschließen.

set-up = Diesen Dienst einrichten
set-up-lead = Legen Sie das erste Administratorkonto an. Dieser Link gilt einmal.
set-up-create = Administratorkonto anlegen
set-up-error-link-invalid = Dieser Link wurde schon verwendet oder ist zu alt. Bitte erzeugen Sie mit „chancery setup-link“ einen neuen.
set-up-error-username = Bitte wählen Sie einen anderen Benutzernamen: Erlaubt sind Buchstaben, Ziffern und . _ -
set-up-error-email = Bitte geben Sie eine E-Mail-Adresse ein.
set-up-error-taken = Ein anderes Konto hat diesen Benutzernamen oder diese E-Mail-Adresse.
set-up-error-password-too-short = Bitte wählen Sie ein Passwort mit mindestens { $count } Zeichen.
set-up-error-password-too-long = Dieses Passwort ist zu lang.
set-up-error-busy = Der Dienst ist stark ausgelastet. Bitte versuchen Sie es gleich noch einmal.
password-hint = Mindestens { $count } Zeichen. Einige Wörter ohne Zusammenhang ergeben ein gutes Passwort.

account = Ihr Konto
account-profile = Profil
account-sessions = Wo Sie angemeldet sind
account-apps = Anwendungen mit Ihrer Erlaubnis
session-current = Dieser Browser
session-since = angemeldet seit
session-end = Abmelden
sessions-none = Sie sind sonst nirgends angemeldet.
app-withdraw = Zurückziehen
apps-none = Sie haben keiner Anwendung den Zugriff auf Ihr Konto erlaubt.

home = Anmeldedienst
home-title = Ein Konto, alle Anwendungen
home-lead = Dieser Dienst meldet Sie bei den Anwendungen Ihrer Organisation an. Sie schicken Sie hierher, wenn sie wissen müssen, wer Sie sind.
