# The words of the pages in English. Every key here exists in every other language too.

footer = One account for all your apps.

sign-in = Sign in
sign-in-to = to continue to { $client }
sign-in-error-mismatch = User name and password do not match. Please check both and try again.
sign-in-error-busy = Many people are signing in right now. Please try again in a moment.
sign-in-error-too-many = There were too many attempts. Please wait a few minutes and try again.
sign-in-error-expired = This page was open for too long. Please sign in again.
username-or-email = User name or e-mail
username = User name
email = E-mail
name = Name
password = Password

client-about = About this app
client-about-name = About { $client }
client-site = Website
client-policy = Privacy policy
client-tos = Terms of service
client-unverified = This app registered itself and has not been checked by the operator of this service. Allow it only if you know it.

second-factor = One more step
totp-lead = Enter the code that your authenticator app shows for this account.
totp-code = Six-digit code
recovery-lead = Enter one of the recovery codes you kept. Each works once.
recovery-code = Recovery code
verify = Verify
use-totp = Use the authenticator app instead
use-recovery = Use a recovery code instead
second-factor-error-mismatch = This code is not valid. Please enter a fresh one.
second-factor-error-busy = Many people are signing in right now. Please try again in a moment.
second-factor-error-too-many = There were too many attempts. Please wait a few minutes and try again.
second-factor-error-expired = This page was open for too long. Please sign in again.

consent = Allow access
consent-title = Allow { $client } to use your account?
consent-wants = It asks to
consent-offline = Stay connected while you are not using it
consent-returns = You return to
consent-lasts = Access ends after
consent-withdraw = You can withdraw your permission at any time on your account page.
signed-in-as = Signed in as { $username }
allow = Allow
deny = Deny
span-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
span-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
span-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}

scope-openid = Know who you are on this service
scope-profile = See your name and profile
scope-email = See your e-mail address
scope-address = See your postal address
scope-phone = See your phone number
scope-offline_access = Stay connected while you are not using it

select-account = Choose an account
continue-as = Continue as { $username }
other-account = Use another account

device = Connect a device
device-lead = Enter the code that your device shows.
device-code = Code
device-error-mismatch = This code is not valid any more. Please check it or get a new one on your device.
device-error-too-many = There were too many attempts. Please wait a few minutes and try again.
device-confirm-title = Connect { $client } on your device?
device-check = Allow it only if your device shows this code and you started this yourself:
device-allowed = Your device is connected
device-allowed-lead = You can go back to your device and close this page.
device-denied = Your device was not connected
device-denied-lead = You can close this page.
continue = Continue

error = Error
error-title-request = This request cannot go on
error-title-missing = There is nothing here
error-title-server = Something went wrong on our side
error-code = Error
request-id = Request
message-unknown-client = The app that sent you here is not known to this service. Please tell the people who run the app.
message-redirect-uri = The app asked to send you to an address it has not registered, so we stopped here. Please tell the people who run the app.
message-invalid-request = The app sent a request that this service cannot understand. Please tell the people who run the app.
message-expired = This page was open for too long, or was opened in another browser. Please go back to the app and start again.
message-forgery = This form did not come from your own session. Please go back to the app and start again.
message-forbidden = Your account may not do this.
message-not-found = The page you were looking for does not exist.
message-too-many = There were too many requests. Please wait a few minutes and try again.
message-busy = The service is very busy. Please try again in a moment.
message-internal = Please try again later. If it keeps happening, give the operator the request number below.
message-logout-request = The app asked to sign you out in a way this service cannot trust. You are still signed in.

sign-out = Sign out
sign-out-title = Sign out?
sign-out-question = You are signed in as { $username }. Do you want to sign out of this service?
sign-out-question-client = { $client } asks to sign you out. You are signed in as { $username }. Do you want to sign out of this service?
sign-out-refused = You were not signed out
signed-out = You are signed out
signed-out-lead = You can close this page.
signed-out-lead-client = You signed out from { $client }. You can close this page.

returning = Taking you back to the app
returning-lead = Please continue to finish.

set-up = Set up this service
set-up-lead = Create the first administrator. This link works once.
set-up-create = Create administrator
set-up-error-link-invalid = This link was used before or is too old. Please create a new one with “chancery setup-link”.
set-up-error-username = Please choose another user name: letters, digits and . _ - are allowed.
set-up-error-email = Please enter an e-mail address.
set-up-error-taken = Another account has this user name or e-mail address.
set-up-error-password-too-short = Please choose a password of at least { $count } characters.
set-up-error-password-too-long = This password is too long.
set-up-error-busy = The service is very busy. Please try again in a moment.
password-hint = At least { $count } characters. A few unrelated words make a good password.

account = Your account
account-profile = Profile
account-sessions = Where you are signed in
account-apps = Apps you have allowed
session-current = This browser
session-since = signed in
session-end = Sign out
sessions-none = You are not signed in anywhere else.
app-withdraw = Withdraw
apps-none = You have not allowed any app to use your account.

home = Sign-in service
home-title = One account, every app
home-lead = This service signs you in to the apps of your organisation. Apps send you here when they need to know who you are.
